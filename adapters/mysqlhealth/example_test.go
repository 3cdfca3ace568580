package mysqlhealth_test

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/adapters/mysqlhealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// The primary is asked how busy it is, the replica how far it is behind. With a
// *bun.DB, db is its field DB.
func Example() {
	var db, replica *sql.DB // the app's pools, opened by the app
	my := mysqlhealth.New(db)
	lag := mysqlhealth.New(replica).ReplicaLag(throttle.Bounds[time.Duration]{Slow: time.Second, Stop: 5 * time.Second})
	lag.Unknown = throttle.Slow // a replica that is being rebuilt is not to hold everything up

	cfg := bgtransform.Config{Signals: []throttle.Signal{
		lag,
		my.ThreadsRunning(throttle.Bounds[int]{Slow: 16, Stop: 32, Critical: 100}),
		my.HistoryList(throttle.Bounds[int]{}), // with the defaults
	}}
	for _, s := range cfg.Signals {
		fmt.Println(s.Name, s.Unknown, s.Validate())
	}
	// Output:
	// replica-lag slow <nil>
	// threads-running slow <nil>
	// history-list slow <nil>
}
