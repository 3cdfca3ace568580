package dualread

import (
	"reflect"
	"testing"
)

type nested struct {
	N     int
	P     *int
	S     []*int
	M     map[string][]int
	A     [2]*int
	Any   any
	Next  *nested
	inner *int
}

func TestSnapshotSharesNothing(t *testing.T) {
	t.Parallel()
	fresh := func() nested {
		return nested{
			N: 1, P: new(2), S: []*int{new(3), nil}, M: map[string][]int{"a": {4}}, A: [2]*int{new(5)},
			Any: []int{6}, Next: &nested{P: new(7)},
		}
	}
	v := fresh()
	got := snapshot(v)
	*v.P, *v.S[0], v.M["a"][0], *v.A[0], v.Any.([]int)[0], *v.Next.P = 0, 0, 0, 0, 0, 0
	v.M["b"], v.S[1] = nil, new(1)
	if want := fresh(); !reflect.DeepEqual(got, want) {
		t.Errorf("a snapshot has changed with its value: %+v, want %+v", got, want)
	}
	if got := snapshot[*int](nil); got != nil {
		t.Errorf("a snapshot of nil = %v", got)
	}
	if got := snapshot(nested{}); !reflect.DeepEqual(got, nested{}) {
		t.Errorf("a snapshot of nothing = %+v", got)
	}
	hidden := nested{inner: new(8)}
	if got := snapshot(hidden); got.inner != hidden.inner {
		t.Error("what a type hides is not its own business any more")
	}
}

func TestSnapshotOfWhatContainsItself(t *testing.T) {
	t.Parallel()
	v := &nested{N: 1}
	v.Next = v
	if got := snapshot(v); got == v || got.Next.N != 1 {
		t.Errorf("a snapshot = %p of %p", got, v)
	}
}
