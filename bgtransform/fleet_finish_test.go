package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

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
