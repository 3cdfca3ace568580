package dualread

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"time"
)

// Comparison says how [PhaseCompare] compares the old and the new value of a row.
// The zero value compares one read in a hundred, and counts.
//
// Values go together if they are equal, and also if the old columns hold what
// [Column.Write] leaves there of the new value: a conversion that loses something,
// such as that to whole seconds, is no mismatch.
//
// A read never waits for a comparison: it is made in a goroutine of its own, of
// which there are four at most, on copies of the values. What a function below
// does there, be it that it panics or never returns, is no business of a request.
type Comparison[M, V any] struct {
	// Share is the share of reads that are compared, above 0 and at most 1.
	// Optional. Defaults to 0.01.
	Share float64

	// Budget bounds the context with which [Column.Compare] reads elsewhere.
	// Optional. Defaults to 100 ms.
	Budget time.Duration

	// Equal reports whether two values are the same.
	// Optional. Defaults to V's own method Equal(V) bool, where it has one, else to
	// reflect.DeepEqual.
	Equal func(a, b V) bool

	// Key names a row in a Mismatch. It is called by the read itself, for each that
	// is compared. Rows have names only if you give them: keys may be private.
	// Optional.
	Key func(m *M) string

	// OnMismatch is told of each mismatch, by several goroutines at a time, to log
	// it, say. Values are never handed out.
	// Optional.
	OnMismatch func(Mismatch)

	// Raise is for tests, which set it to their *testing.T: every read in
	// PhaseCompare compares before it returns, whatever Share says, and a mismatch
	// fails the test.
	// Optional.
	Raise Raiser
}

// Mismatch is a row whose old and new value do not go together.
type Mismatch struct {
	Move string // the move's name
	Key  string // as of Comparison.Key; empty without it
}

// Raiser is what of testing.TB raises a mismatch.
type Raiser interface {
	Helper()
	Errorf(format string, args ...any)
}

func (c Comparison[M, V]) withDefaults() Comparison[M, V] {
	c.Share = cmp.Or(c.Share, 0.01)
	c.Budget = cmp.Or(c.Budget, 100*time.Millisecond)
	if c.Equal == nil {
		c.Equal = equal[V]
	}
	return c
}

func (c Comparison[M, V]) problems() []string {
	var problems []string
	if !(c.Share > 0 && c.Share <= 1) {
		problems = append(problems, fmt.Sprintf("Compare.Share is %v: it must be above 0 and at most 1", c.Share))
	}
	if c.Budget < 0 {
		problems = append(problems, fmt.Sprintf("Compare.Budget is %s: it must be above 0", c.Budget))
	}
	return problems
}

// threshold is what a random number of 32 bits stays below in that share of cases.
func (c Comparison[M, V]) threshold() uint64 {
	return max(1, uint64(math.Round(c.Share*(1<<32))))
}

// equal compares as V itself does, if it does.
func equal[V any](a, b V) bool {
	if e, ok := any(a).(interface{ Equal(V) bool }); ok && !isNil(a) && !isNil(b) {
		return e.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}

func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface, reflect.Func, reflect.Chan:
		return r.IsNil()
	case reflect.Invalid:
		return true
	default:
		return false
	}
}
