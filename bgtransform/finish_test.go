package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// newFinisher returns a scheduler that does not run.
func newFinisher(t testing.TB, db *bun.DB, cfg bgtransform.Config, transforms ...bgtransform.Transform) *bgtransform.Scheduler {
	t.Helper()
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(transforms...))
	return s
}

// slow is a pace at which nobody sees the end of it.
func slow() throttle.Limits {
	return throttle.Limits{Duty: 0.01, RowsPerSecond: 10, StartBatch: 10, MaxBatch: 10}
}

func finish(t testing.TB, s *bgtransform.Scheduler, name string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return s.Finish(ctx, name, bgtransform.FinishOptions{})
}

// unfinished returns why it came to no end.
func unfinished(t testing.TB, err error) *bgtransform.UnfinishedError {
	t.Helper()
	u, ok := errors.AsType[*bgtransform.UnfinishedError](err)
	if !ok {
		t.Fatalf("the error is %v, want an UnfinishedError", err)
	}
	return u
}

// Finish needs no Run, and heeds neither window nor pace, of the code or of operators.
func TestFinish(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 500)
		audit(t, db)
		cfg := quick(t)
		cfg.Locker, cfg.Window, cfg.Limits = nil, window.Never(), slow()
		s := newFinisher(t, db, cfg, toMS("x"))
		st, err := store.New(db)
		must(t, err)
		must(t, st.Create(t.Context()))
		must(t, st.Register(t.Context(), []string{"x"}))
		must(t, s.Control().Tune(t.Context(), "x", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{"DUTY": "1%", "WINDOW": "never"}))
		var last bgtransform.Status
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		must(t, s.Finish(ctx, "x", bgtransform.FinishOptions{
			By: bgtransform.By{Who: "deploy", Why: "release 3"}, Progress: func(st bgtransform.Status) { last = st },
		}))
		if last.State != bgtransform.StateComplete || last.Rows != 500 || last.Progress != 1 {
			t.Errorf("the last progress is %+v, want that it is complete", last)
		}
		wantOnce(t, db, 500)
		actions, err := s.Control().Actions(t.Context(), "x", 1)
		must(t, err)
		if len(actions) != 1 || actions[0].Action != "finish" || actions[0].By != "deploy" || actions[0].Why != "release 3" {
			t.Errorf("the log is %+v", actions)
		}
		must(t, finish(t, s, "x"))
		rec, err := st.Get(t.Context(), "x")
		must(t, err)
		if rec.Intent.Finisher != "" || rec.Intent.FinishUntilMS != 0 {
			t.Errorf("somebody finishes it still: %+v", rec.Intent)
		}
	})
}

// Whoever holds the transform hands it over, in the same process or another, and two
// that finish it at once get in nobody's way.
func TestFinishBesideOthers(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := newDBOn(t, d.kind, 600)
		audit(t, db)
		cfg := quick(t)
		cfg.Locker, cfg.Limits, cfg.Instance = nil, slow(), "holder"
		holder := start(t, db, cfg, toMS("x"))
		holder.until("x", "begun", func(st bgtransform.Status) bool { return st.Rows > 0 })
		cfg.Instance = "other"
		other := newFinisher(t, db, cfg, toMS("x"))
		var all sync.WaitGroup
		for _, s := range []*bgtransform.Scheduler{other, holder.Scheduler, other} {
			all.Go(func() {
				if err := finish(t, s, "x"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantOnce(t, db, 600)
		holder.untilState("x", bgtransform.StateComplete)
	})
}

// A finisher that is interrupted leaves the rest to the others at once, and one that is
// called again goes on.
func TestFinishInterrupted(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	audit(t, db)
	cfg := quick(t)
	cfg.Limits.MaxBatch, cfg.Limits.StartBatch, cfg.Grace = 10, 10, time.Millisecond
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	held := toMS("x")
	each := held.Each
	held.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 105 {
			cancel(enough)
		}
		return each(ctx, m)
	}
	s := newFinisher(t, db, cfg, held)
	u := unfinished(t, s.Finish(ctx, "x", bgtransform.FinishOptions{}))
	if !errors.Is(u, enough) {
		t.Errorf("the error is %v, want the cause in it", u)
	}
	if left := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); left < 150 || left > 210 {
		t.Errorf("%d rows are left of 300", left)
	}
	must(t, finish(t, s, "x"))
	wantOnce(t, db, 300)
}

// The other instances wait for a finisher as long as it gives signs, and no longer.
func TestFinisherThatDied(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 100)
		st, err := store.New(db)
		must(t, err)
		must(t, st.Create(t.Context()))
		must(t, st.Register(t.Context(), []string{"x"}))
		granted, err := st.AskFinish(t.Context(), "x", "dead/finish-1", "", "", time.Minute)
		if err != nil || !granted {
			t.Fatalf("granted %t, %v", granted, err)
		}
		if granted, err = st.AskFinish(t.Context(), "x", "late/finish-2", "", "", time.Minute); err != nil || granted {
			t.Fatalf("granted to a second one: %t, %v", granted, err)
		}
		in := start(t, db, quick(t), toMS("x"))
		status := in.untilReason("x", bgtransform.ReasonFinish)
		if status.Rows != 0 || !strings.Contains(status.Here.Text, "by dead") {
			t.Errorf("while somebody finishes it the status is %+v", status)
		}
		exec(t, db, "UPDATE bgtransform_intents SET finish_until_ms = 1")
		in.untilState("x", bgtransform.StateComplete)
	})
}

// What only a human can change is an error that says so.
func TestFinishThatCannotBe(t *testing.T) {
	t.Parallel()
	ann := bgtransform.By{Who: "ann", Why: "lunch"}
	bad := toMS("x")
	bad.Each = func(context.Context, *Track) error { return errors.New("no") }
	one := toMS("x")
	each := one.Each
	one.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 7 {
			return errors.New("no")
		}
		return each(ctx, m)
	}
	after := toMS("x")
	after.Options.After = []string{"first"}
	noColumn := toMSBySQL("x")
	noColumn.Set = "nonsense = 1"
	for sentence, test := range map[string]struct {
		transform bgtransform.Transform
		environ   []string
		do        func(c *bgtransform.Control) error
		code      bgtransform.ReasonCode
		says      string
	}{
		"paused":     {toMS("x"), nil, func(c *bgtransform.Control) error { return c.Pause(t.Context(), "x", ann) }, bgtransform.ReasonPaused, "paused by ann: lunch"},
		"cancelled":  {toMS("x"), nil, func(c *bgtransform.Control) error { return c.Cancel(t.Context(), "x", ann) }, bgtransform.ReasonCancelled, "cancelled by ann: lunch"},
		"failed":     {bad, nil, nil, bgtransform.ReasonTooManyBad, "quarantine"},
		"quarantine": {one, nil, nil, bgtransform.ReasonQuarantine, "1 row"},
		"dependency": {after, nil, nil, bgtransform.ReasonDependency, `until "first" is complete`},
		"disabled":   {toMS("x"), []string{"BGTRANSFORM_ENABLED=false"}, nil, bgtransform.ReasonDisabled, "BGTRANSFORM_ENABLED"},
		"dry run":    {toMS("x"), []string{"BGTRANSFORM_DRY_RUN=true"}, nil, bgtransform.ReasonDryRun, "dry run"},
		"no column":  {noColumn, nil, nil, bgtransform.ReasonSchema, "nonsense"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 300)
			must(t, store.Create(t.Context(), db))
			cfg := quick(t)
			cfg.Environ = append(cfg.Environ, test.environ...)
			s := newFinisher(t, db, cfg, test.transform)
			if test.do != nil {
				st, err := store.New(db)
				must(t, err)
				must(t, st.Register(t.Context(), []string{"x"}))
				must(t, test.do(s.Control()))
			}
			u := unfinished(t, finish(t, s, "x"))
			if u.Reason.Code != test.code || !strings.Contains(u.Error(), test.says) || u.Err != nil {
				t.Errorf("the error is %v of code %q, want %q and code %q", u, u.Reason.Code, test.says, test.code)
			}
		})
	}
}

// Mistakes, and a database that is away, are errors of another kind.
func TestFinishMistakes(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1)
	cfg := quick(t)
	s := newFinisher(t, db, cfg, toMS("x"))
	if err := finish(t, s, "y"); err == nil || !strings.Contains(err.Error(), "not registered here") {
		t.Errorf("of an unknown one the error is %v", err)
	}
	cfg.Environ = []string{"BGTRANSFORM_DUTY=much"}
	if err := finish(t, newFinisher(t, db, cfg, toMS("x")), "x"); err == nil || !strings.Contains(err.Error(), "BGTRANSFORM_DUTY") {
		t.Errorf("with a malformed flag the error is %v", err)
	}
	must(t, db.Close())
	err := finish(t, s, "x")
	if _, ok := errors.AsType[*bgtransform.UnfinishedError](err); err == nil || ok {
		t.Errorf("without a database the error is %v", err)
	}
}

// A Progress that panics ends the call, and what it had begun.
func TestFinishWithProgressThatPanics(t *testing.T) {
	t.Parallel()
	db := newDB(t, 5)
	s := newFinisher(t, db, quick(t), toMS("x"))
	defer func() {
		if recover() == nil {
			t.Error("the panic did not come back")
		}
	}()
	_ = s.Finish(t.Context(), "x", bgtransform.FinishOptions{Progress: func(bgtransform.Status) { panic("no") }})
}
