package postgreshealth_test

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/adapters/postgreshealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// All transforms give way to what concerns the server, each to what concerns its
// table. With a *bun.DB, db is its field DB.
func Example() {
	var db, replica *sql.DB // the app's pools, opened by the app
	pg := postgreshealth.New(db)

	cfg := bgtransform.Config{Signals: []throttle.Signal{
		pg.ReplicaLag(throttle.Bounds[time.Duration]{Slow: 500 * time.Millisecond, Stop: 2 * time.Second}),
		pg.LagOf("reports", replica, throttle.Bounds[time.Duration]{Slow: time.Minute}),
		pg.LockWaits(throttle.Bounds[int]{Slow: 1, Stop: 5, Critical: 20}),
		pg.ActiveSessions(throttle.Bounds[int]{Slow: 16, Stop: 32}),
		pg.ArchiveBacklog(throttle.Bounds[int]{}),         // with the defaults
		pg.RetainedWAL(throttle.Bounds[throttle.Bytes]{}), // with the defaults
	}}
	tracks := bgtransform.Options{Signals: []throttle.Signal{pg.Vacuum("tracks", throttle.Slow)}}

	for _, s := range append(cfg.Signals, tracks.Signals...) {
		fmt.Println(s.Name, s.Unknown, s.Validate())
	}
	// Output:
	// replica-lag stop <nil>
	// replica-lag-reports stop <nil>
	// lock-waits normal <nil>
	// active-sessions slow <nil>
	// archive-backlog slow <nil>
	// retained-wal slow <nil>
	// vacuum normal <nil>
}
