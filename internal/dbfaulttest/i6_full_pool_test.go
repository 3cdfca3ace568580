package dbfaulttest

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A batch waits for longer than a silent database would be given, and meanwhile the
// app uses up the pool, so that there is no connection left to ask on: that is no
// silence, and the attempt goes on.
func TestI6FullPoolIsNoSilence(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows, most = 100, 3
		app, db := p.open(t), p.open(t)
		p.seed(t, app, rows)
		db.SetMaxOpenConns(most)
		release := locked(t, app, fmt.Sprintf("SELECT id FROM items WHERE id = %d FOR UPDATE", 50*gap))
		cfg, w := quick(t), new(watcher)
		cfg.BatchTimeout, cfg.StatementTimeout, cfg.LockTimeout = time.Hour, time.Hour, time.Hour
		cfg.LeaseTTL = 3 * time.Second
		cfg.Observer = w
		in := start(t, db, cfg, inSQL())
		p.untilOneWaits(t, app)
		var taken []*sql.Conn
		for range most - 1 {
			conn, err := db.DB.Conn(context.Background())
			must(t, err)
			defer func() { _ = conn.Close() }()
			taken = append(taken, conn)
		}
		if stats := db.Stats(); stats.InUse != most {
			t.Errorf("%d connections are in use, want all %d", stats.InUse, most)
		}
		rest(t, 2*cfg.LeaseTTL) // silence takes 4/3 of the ttl to be noticed
		release()
		until(t, "the batch's end", func() bool { return w.count(func(bgtransform.BatchEndInfo) bool { return true }) > 0 })
		for _, conn := range taken {
			must(t, conn.Close())
		}
		st := in.untilState(bgtransform.StateComplete)
		if failed := w.count(func(end bgtransform.BatchEndInfo) bool { return bgtransform.ErrorType(end.Err) == "unavailable" }); failed > 0 {
			t.Errorf("%d batches took the database for gone, which was there all along", failed)
		}
		p.wantOnce(t, app, rows, st.Rows)
	})
}
