package bgtransform_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// other is a table of one row, for a transform beside the one of tracks.
type other struct {
	bun.BaseModel `bun:"table:others"`

	ID int64  `bun:"id,pk"`
	V  *int64 `bun:"v"`
}

// besideAnImport returns a database in which a transaction has written to the tracks
// and stays open until the returned function is called, and a config for one transform
// at a time, whose log is kept.
func besideAnImport(t *testing.T) (db *bun.DB, commit func(), cfg bgtransform.Config, log *lines) {
	t.Helper()
	d := newDatabase(t, "pg")
	db = d.open(t)
	seed(t, db, 10)
	exec(t, db, "CREATE TABLE others (id int PRIMARY KEY, v int)")
	exec(t, db, "INSERT INTO others VALUES (1, NULL)")
	app := begun(t, d.open(t), "INSERT INTO tracks (id, title, length) VALUES (0, 'import', 7)")
	cfg, log = quick(t), &lines{}
	cfg.Concurrency = 1
	cfg.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), log), nil))
	return db, func() { t.Helper(); must(t, app.Commit()) }, cfg, log
}

// A transform that has nothing to do but to wait, for a transaction that may stay
// open for days, does not keep others from this instance's only slot. It stays the
// same attempt, gives signs of life, and says once in the log what it waits for.
func TestI5WaitingForWritersLeavesTheSlot(t *testing.T) {
	t.Parallel()
	db, commit, cfg, log := besideAnImport(t)
	in := start(t, db, cfg, toMS("x"), bgtransform.SQL[other]{Name: "y", Pending: "v IS NULL", Set: "v = 1"})
	in.untilState("y", bgtransform.StateComplete)
	first := in.until("x", "waiting for the import", waits(t))
	control, err := bgtransform.NewControl(db)
	must(t, err)
	must(t, control.Restart(t.Context(), "y", bgtransform.By{Who: "ann"}))
	in.until("y", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
	updated := first.Updated
	for range 3 {
		in.until("x", "alive", func(bgtransform.Status) bool {
			all, err := control.Status(t.Context(), "x")
			must(t, err)
			alive := waits(t)(all[0]) && all[0].Updated.After(updated)
			if alive {
				updated = all[0].Updated
			}
			return alive
		})
	}
	if n := mentions(log, "transform=x", "the next pass waits", "pass=3"); n != 1 {
		t.Errorf("the log tells %d times what the last pass waits for, want once:\n%s", n, log)
	}
	commit()
	if st := in.untilState("x", bgtransform.StateComplete); st.Attempt != 1 || st.Rows != 11 {
		t.Errorf("complete with %d rows in %d attempts, want 11 in 1", st.Rows, st.Attempt)
	}
}

// mentions counts the lines of a log that have all of some words.
func mentions(log *lines, words ...string) (n int) {
	for line := range strings.Lines(log.String()) {
		n++
		for _, w := range words {
			if !strings.Contains(line, w) {
				n--
				break
			}
		}
	}
	return n
}

// An operator is heard while a transform waits without a slot, and the slot is there
// for whoever comes next.
func TestI5WaitingForWritersIsPaused(t *testing.T) {
	t.Parallel()
	db, commit, cfg, _ := besideAnImport(t)
	in := start(t, db, cfg, toMS("x"), bgtransform.SQL[other]{Name: "y", Pending: "v IS NULL", Set: "v = 1"})
	in.until("x", "waiting for the import", waits(t))
	in.untilState("y", bgtransform.StateComplete) // so the slot was given
	control, err := bgtransform.NewControl(db)
	must(t, err)
	must(t, control.Pause(t.Context(), "x", bgtransform.By{Who: "ann"}))
	in.untilState("x", bgtransform.StatePaused)
	must(t, control.Restart(t.Context(), "y", bgtransform.By{Who: "ann"}))
	in.until("y", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
	must(t, control.Resume(t.Context(), "x", bgtransform.By{Who: "ann"}))
	in.until("x", "waiting for the import", waits(t))
	commit()
	in.untilState("x", bgtransform.StateComplete)
}

// An instance that stops while a transform waits hands the lease over at once: here
// nobody else could wait for it to run out.
func TestI5WaitingForWritersIsHandedOver(t *testing.T) {
	t.Parallel()
	db, commit, cfg, _ := besideAnImport(t)
	cfg.LeaseTTL = time.Hour
	first := start(t, db, cfg, toMS("x"))
	first.until("x", "waiting for the import", waits(t))
	second := start(t, db, cfg, toMS("x"))
	second.untilReason("x", bgtransform.ReasonHeld)
	first.stop()
	second.until("x", "waiting for the import", func(st bgtransform.Status) bool { return st.Attempt == 2 && waits(t)(st) })
	commit()
	if st := second.untilState("x", bgtransform.StateComplete); st.Attempt != 2 {
		t.Errorf("complete in %d attempts, want 2", st.Attempt)
	}
}

// When the transactions have ended, and another transform has taken the slot for
// long, the lease goes to an instance that has a slot.
func TestI5WaitingForWritersWithoutASlotAfterwards(t *testing.T) {
	t.Parallel()
	db, commit, cfg, _ := besideAnImport(t)
	cfg.LeaseTTL, cfg.RowTimeout, cfg.BatchTimeout = time.Hour, time.Hour, time.Hour
	exec(t, db, "UPDATE others SET v = 1")
	begun, enough := make(chan struct{}, 1), make(chan struct{})
	first := start(t, db, cfg, toMS("x"), bgtransform.Rows[other]{
		Name: "y", Pending: "v IS NULL", Writes: []string{"v"},
		Each: func(ctx context.Context, m *other) error {
			begun <- struct{}{}
			select {
			case <-enough:
			case <-ctx.Done():
				return ctx.Err()
			}
			m.V = new(int64)
			return nil
		},
	})
	first.untilState("y", bgtransform.StateComplete)
	first.until("x", "waiting for the import", waits(t))
	exec(t, db, "UPDATE others SET v = NULL")
	must(t, first.Control().Restart(t.Context(), "y", bgtransform.By{Who: "ann"}))
	<-begun
	second := start(t, db, cfg, toMS("x"))
	second.untilReason("x", bgtransform.ReasonHeld)
	commit()
	if st := second.untilState("x", bgtransform.StateComplete); st.Attempt != 2 {
		t.Errorf("complete in %d attempts, want 2", st.Attempt)
	}
	close(enough)
	first.until("y", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
}
