package dualread

import (
	"context"
	"math/rand/v2"
)

// comparisons is how many comparisons a column makes at a time. A function that
// never returns keeps one of them for good.
const comparisons = 4

// comparer is what a column needs in PhaseCompare.
type comparer struct {
	below    uint64 // of 32 bits: see threshold
	slots    chan struct{}
	pointers bool // values may share memory with a model

	compared, mismatches, uncompared counter
}

// Compare is for a new value that is not a column of m, but costs a query or a
// call: in PhaseCompare, for the configured share of calls, it reads it with read and
// compares it with the old value of m. It returns at once. read has a context that
// has the values of ctx, but is not cancelled with it, and ends after the budget; an
// error is counted as Uncompared and goes nowhere else.
//
// In other phases it does nothing. With Comparison.Raise it waits for the result.
func (c *Column[M, V]) Compare(ctx context.Context, m *M, read func(ctx context.Context) (V, error)) {
	if c.Phase() != PhaseCompare || !c.sampled() {
		return
	}
	c.compareWith(m, func() (V, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.move.Compare.Budget)
		defer cancel()
		return read(ctx)
	})
}

// compareRead compares what a read has found in m, where its turn has come.
func (c *Column[M, V]) compareRead(m *M, next V) {
	if !c.sampled() {
		return
	}
	if c.comparing.pointers && c.move.Compare.Raise == nil {
		next = snapshot(next)
	}
	c.compareWith(m, func() (V, error) { return next, nil })
}

func (c *Column[M, V]) sampled() bool {
	return c.move.Compare.Raise != nil || uint64(rand.Uint32()) < c.comparing.below
}

// side is what the old columns of a row hold.
type side[V any] struct {
	v   V
	ok  bool
	key string // of the row, in case of a mismatch
}

// compareWith reads the old value from m, and does the rest beside the request.
func (c *Column[M, V]) compareWith(m *M, next func() (V, error)) {
	if c.move.Compare.Raise != nil {
		c.move.Compare.Raise.Helper()
		c.judge(c.oldSide(m), next)
		return
	}
	select {
	case c.comparing.slots <- struct{}{}:
	default:
		c.comparing.uncompared.inc()
		return
	}
	old, ok := c.copiedSide(m)
	if !ok {
		<-c.comparing.slots
		return
	}
	// It ends when the functions that it calls return. Nobody waits for it: its
	// slot bounds how many there are.
	go func() {
		defer func() { <-c.comparing.slots }()
		defer c.contain()
		c.judge(old, next)
	}()
}

// oldSide reads the old value of m.
func (c *Column[M, V]) oldSide(m *M) (old side[V]) {
	old.v, old.ok = c.move.Old(m)
	if c.move.Compare.Key != nil {
		old.key = c.move.Compare.Key(m)
	}
	return old
}

// copiedSide is oldSide for a read that must go on whatever the functions do, and
// whose model may be changed as soon as it has.
func (c *Column[M, V]) copiedSide(m *M) (old side[V], ok bool) {
	defer c.contain()
	old = c.oldSide(m)
	if c.comparing.pointers {
		old.v = snapshot(old.v)
	}
	return old, true
}

// contain is deferred: a panic of the app's functions ends the comparison only.
func (c *Column[M, V]) contain() {
	if recover() != nil {
		c.comparing.uncompared.inc()
	}
}

// judge compares both values.
func (c *Column[M, V]) judge(old side[V], next func() (V, error)) {
	v, err := next()
	if err != nil {
		c.comparing.uncompared.inc()
		return
	}
	together := c.move.together(v, old.v, old.ok)
	c.comparing.compared.inc()
	if together {
		return
	}
	c.comparing.mismatches.inc()
	if r := c.move.Compare.Raise; r != nil {
		r.Helper()
		r.Errorf("dualread: move %q: the old and the new value of a row do not go together (key %q)", c.move.Name, old.key)
	}
	if c.move.Compare.OnMismatch != nil {
		c.move.Compare.OnMismatch(Mismatch{Move: c.move.Name, Key: old.key})
	}
}
