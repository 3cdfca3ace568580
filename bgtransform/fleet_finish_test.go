package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// To finish a move in the foreground needs no pool, however young; but an instance that
// writes only the old column is waited for.
func TestFleetFinish(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	must(t, store.Create(t.Context(), db))
	cfg := member(t, "deploy", "1.5")
	cfg.FleetRules.MinAge = time.Hour
	finisher := func() *bgtransform.Scheduler {
		s, err := bgtransform.New(db, cfg)
		must(t, err)
		move, _ := moves(t)
		must(t, s.Register(move))
		return s
	}
	r := registry(t, db)
	old := announced(t, r, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := finisher().Finish(ctx, "x", bgtransform.FinishOptions{Progress: func(st bgtransform.Status) {
		if st.Why().Code == bgtransform.ReasonFleet {
			cancel() // it waits, and has said so
		}
	}})
	unfinished, ok := errors.AsType[*bgtransform.UnfinishedError](err)
	if !ok || unfinished.Reason.Code != bgtransform.ReasonFleet || !strings.Contains(err.Error(), "web-3 (version 1.4)") {
		t.Errorf("beside the version before: %v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL"); n != 0 {
		t.Errorf("%d rows were transformed beside it", n)
	}
	must(t, r.Leave(t.Context(), old))
	must(t, finisher().Finish(t.Context(), "x", bgtransform.FinishOptions{}))
	if n := stale(t, db); n != 0 {
		t.Errorf("%d rows are not transformed", n)
	}
}

// hangUp cancels the caller's context in the middle of a statement, once it is armed.
type hangUp struct {
	armed  atomic.Bool
	cancel context.CancelFunc
}

func (h *hangUp) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if h.armed.Load() && strings.HasPrefix(e.Query, "UPDATE") && strings.Contains(e.Query, "finisher") {
		h.cancel()
	}
	return ctx
}

func (h *hangUp) AfterQuery(context.Context, *bun.QueryEvent) {}

// Who hangs up hears what it waited for, not that a statement was cut off.
func TestFleetFinishSaysWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h := &hangUp{cancel: cancel}
	db := newDB(t, 5).WithQueryHook(h)
	must(t, store.Create(t.Context(), db))
	announced(t, registry(t, db), fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	s, err := bgtransform.New(db, member(t, "deploy", "1.5"))
	must(t, err)
	move, _ := moves(t)
	must(t, s.Register(move))
	err = s.Finish(ctx, "x", bgtransform.FinishOptions{Progress: func(st bgtransform.Status) {
		h.armed.Store(st.Why().Code == bgtransform.ReasonFleet)
	}})
	unfinished, ok := errors.AsType[*bgtransform.UnfinishedError](err)
	if !ok || unfinished.Reason.Code != bgtransform.ReasonFleet || !strings.Contains(err.Error(), "web-3 (version 1.4)") || !errors.Is(err, context.Canceled) {
		t.Errorf("hung up while it waited: %v", err)
	}
}
