package bgtransform_test

import (
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// While the window is shut the server ends the sessions that idle, and what was
// prepared in them, as it does in the days between two nights. That is no error of a
// row, and the next window goes on where this one has stopped.
func TestI7SessionsEndWhileTheWindowIsShut(t *testing.T) {
	t.Parallel()
	for kind, option := range map[string]string{"pg": "&idle_session_timeout=1500", "mysql": "&wait_timeout=1"} { // ms; s
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t, kind)
			watch := d.open(t)
			watch.SetMaxOpenConns(1)
			seed(t, watch, 1000)
			audit(t, watch)
			d.dsn += option
			cfg := quick(t)
			cfg.Locker = nil           // the lease lives in the same sessions
			cfg.IdlePoll = time.Minute // or one session is never idle
			cfg.Limits = throttle.Limits{Duty: 1, StartBatch: 10, MaxBatch: 10, RowsPerSecond: 100, Target: time.Minute}
			in := start(t, d.open(t), cfg, toMS("x"))
			in.until("x", "some rows", func(st bgtransform.Status) bool { return st.Rows >= 50 })
			before := sessions(t, watch)
			must(t, in.Control().Tune(t.Context(), "x", ann, map[bgtransform.Setting]string{bgtransform.SettingWindow: "never"}))
			in.until("x", "outside its window", func(st bgtransform.Status) bool {
				return st.State == bgtransform.StateWaiting && st.Here.Code == bgtransform.ReasonWindow
			})
			untilEnded(t, watch, before)
			must(t, in.Control().Tune(t.Context(), "x", ann, map[bgtransform.Setting]string{
				bgtransform.SettingWindow: "always", bgtransform.SettingRowsPerSecond: "1000000",
			}))
			if st := in.untilState("x", bgtransform.StateComplete); st.Quarantined != 0 || st.Rows != 1000 || st.Run != 1 {
				t.Errorf("it came to its end with %+v", st)
			}
			wantOnce(t, watch, 1000)
		})
	}
}

// sessions are those of the database, but for the one that asks.
func sessions(t *testing.T, db *bun.DB) map[int64]bool {
	t.Helper()
	query := "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if db.Dialect().Name() == dialect.MySQL {
		query = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
	}
	var ids []int64
	must(t, db.NewRaw(query).Scan(t.Context(), &ids))
	found := map[int64]bool{}
	for _, id := range ids {
		found[id] = true
	}
	return found
}

// untilEnded waits until the server has ended each of some sessions.
func untilEnded(t *testing.T, db *bun.DB, some map[int64]bool) {
	t.Helper()
	if len(some) == 0 {
		t.Fatal("no session was open")
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		open, left := sessions(t, db), 0
		for id := range some {
			if open[id] {
				left++
			}
		}
		if left == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%d of %d sessions are still open", left, len(some))
		}
	}
}
