package bgtransformtest

import (
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Run runs a transform to its end and returns the database, to look into; it
// is closed when the test is over. A transform that does not complete ends the
// test with what is in the way: its state and reason, its last error, and the
// rows in quarantine with what user code said of them.
func Run(t testing.TB, fixture Fixture, transform bgtransform.Transform, opts ...Option) *bun.DB {
	t.Helper()
	b := newBench(t, fixture, transform, opts)
	if _, err := b.complete(t.Context(), b.start); err != nil {
		t.Fatal(err)
	}
	return b.start.db
}
