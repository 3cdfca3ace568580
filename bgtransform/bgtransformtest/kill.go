package bgtransformtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// KillEverywhere runs a transform once undisturbed, to learn its outcome and
// its commits. Then it runs it from the start again for each of them, and
// kills it there: right after the commit took effect, or just before, or it
// keeps it alive but breaks its connection right after. Each time another
// instance takes over and runs to the end, where every row of every table must
// be as after the undisturbed run, and written just as often.
func KillEverywhere(t testing.TB, fixture Fixture, transform bgtransform.Transform, opts ...Option) {
	t.Helper()
	b := newBench(t, fixture, transform, opts).audited(t)
	did, want := b.undisturbed(t)
	all := faults(did.commits)
	errs := parallel(len(all), func(i int) error { return b.survive(t.Context(), all[i], want) })
	shown, failed := 0, 0
	for i, err := range errs {
		if err == nil {
			continue
		}
		if failed++; shown < mostFailures {
			shown++
			t.Errorf("transform %q, %s:\n%s", b.name, all[i].describe(did.commits), indent(err.Error()))
		}
	}
	if failed > shown {
		t.Errorf("transform %q: %d of %d disturbed runs ended otherwise than the undisturbed one; the first %d are shown", b.name, failed, len(errs), shown)
	}
}

// mostFailures bounds how many runs are reported one by one: they tend to fail
// for one reason.
const mostFailures = 3

// survive runs the transform with a fault, lets a successor end it, and
// compares the outcome with want.
func (b *bench) survive(ctx context.Context, f fault, want outcome) error {
	return b.on(ctx, func(m *memory) error {
		if _, err := b.live(ctx, m, life{fault: f}); err != nil {
			return fmt.Errorf("before the fault: %w", err)
		}
		if _, err := b.complete(ctx, m); err != nil {
			return fmt.Errorf("the instance that took over: %w", err)
		}
		got, err := b.look(ctx, m)
		if err != nil {
			return err
		}
		if diff := differences(got, want); diff != nil {
			return fmt.Errorf("the outcome is not that of the undisturbed run:\n%w", diff)
		}
		return nil
	})
}
