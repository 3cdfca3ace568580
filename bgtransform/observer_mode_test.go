package bgtransform_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

// modes sums up what an observer is told of batches, by mode, and keeps the modes in
// which attempts began.
type modes struct {
	mu       sync.Mutex
	batches  map[string]counts
	attempts []string
}

type counts struct{ Found, Changed, Moved, Checked, Mismatched int }

func (m *modes) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}

func (m *modes) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.batches[info.Mode]
	m.batches[info.Mode] = counts{
		c.Found + info.Found, c.Changed + info.Changed, c.Moved + info.Moved, c.Checked + info.Checked, c.Mismatched + info.Mismatched,
	}
}

func (m *modes) RunStart(ctx context.Context, info bgtransform.RunStartInfo) (context.Context, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts = append(m.attempts, info.Mode)
	return ctx, "link"
}

func (m *modes) RunEnd(context.Context, bgtransform.RunEndInfo) {}

// Observers tell the three kinds of work apart, and what a verification lists is no
// row that has moved on.
func TestObserverIsToldTheMode(t *testing.T) {
	t.Parallel()
	db, m := newDB(t, 30), &modes{batches: map[string]counts{}}
	cfg := quick(t)
	cfg.Observer = m
	in := start(t, db, cfg, journaled("x"))
	in.untilState("x", bgtransform.StateComplete)

	exec(t, db, "UPDATE tracks SET length_ms = length_ms + 1 WHERE id IN (3, 4)")
	in.verified("x", bgtransform.VerifyOptions{})
	in.verified("x", bgtransform.VerifyOptions{Repair: true})
	exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id = 9")
	must(t, in.Control().Revert(t.Context(), "x", ann))
	in.untilState("x", bgtransform.StateReverted)
	in.stop()

	want := map[string]counts{
		"":       {Found: 30, Changed: 30},
		"verify": {Checked: 60, Mismatched: 4, Changed: 2},
		"revert": {Found: 30 + 2, Changed: 27 + 2, Moved: 1 + 2}, // the repairs are undone, the edits under them are left
	}
	if diff := cmp.Diff(want, m.batches); diff != "" {
		t.Errorf("batches by mode (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "verify", "verify", "revert"}, m.attempts); diff != "" {
		t.Errorf("modes of the attempts (-want +got):\n%s", diff)
	}
}
