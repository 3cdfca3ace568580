package bgtransformtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Idempotent runs a transform to its end, restarts it as an operator would,
// and runs it to its end again. The second run must not find a single row
// pending, those in quarantine aside, and must change none.
func Idempotent(t testing.TB, fixture Fixture, transform bgtransform.Transform, opts ...Option) {
	t.Helper()
	b := newBench(t, fixture, transform, opts).audited(t)
	err := b.on(t.Context(), func(m *memory) error {
		first, err := b.complete(t.Context(), m)
		if err != nil {
			return err
		}
		if first.found == 0 && first.changed == 0 {
			return b.nothingToDo()
		}
		want, err := b.look(t.Context(), m)
		if err != nil {
			return err
		}
		second, againErr := b.again(t.Context(), m)
		got, err := b.look(t.Context(), m)
		if err != nil {
			return errors.Join(againErr, err)
		}
		return errors.Join(againErr, b.untouched(second, differences(got, want)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// untouched judges the second run.
func (b *bench) untouched(second trace, diff error) error {
	var errs []error
	if n := int64(second.found) - b.quarantine; n > 0 {
		errs = append(errs, fmt.Errorf("transform %q is not idempotent: run again, it found %s pending that the first run had transformed", b.name, plural(n, "row")))
	}
	if diff != nil {
		errs = append(errs, fmt.Errorf("transform %q is not idempotent: run again, it changed what the first run had left (want is after the first run)\n%s", b.name, indent(diff.Error())))
	}
	return errors.Join(errs...)
}
