package dualread

import (
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
)

// Column is a column on the move: what a service reads and writes in place of
// the old column. Make one for each [Move], with [New], and keep it: the phase
// and the counts are its own.
//
// All methods are safe for concurrent use, on distinct models.
type Column[M, V any] struct {
	move  Move[M, V]
	phase atomic.Uint32

	held      *holding // elsewhere, as the counters are
	comparing *comparer

	// The counters live elsewhere, so that counting does not take from other
	// cores the cache line which each read needs.
	fallbacks, missing *counter
}

// New returns the column that move defines. The error names every field of move
// that is missing or wrong. It does not know the database: see [Column.Check].
func New[M, V any](move Move[M, V]) (*Column[M, V], error) {
	move = move.clone()
	move.Compare = move.Compare.withDefaults()
	if err := move.validate(); err != nil {
		return nil, err
	}
	c := &Column[M, V]{move: move, held: new(holding), fallbacks: new(counter), missing: new(counter)}
	c.comparing = &comparer{
		below:    move.Compare.threshold(),
		slots:    make(chan struct{}, comparisons),
		pointers: hasPointers(reflect.TypeFor[V]()),
	}
	c.phase.Store(uint32(move.Phase))
	return c, nil
}

// Name returns the move's name.
func (c *Column[M, V]) Name() string { return c.move.Name }

// Move returns the definition that the column was made of. Its slices are the
// caller's.
func (c *Column[M, V]) Move() Move[M, V] { return c.move.clone() }

// Phase returns the phase that reads are in.
func (c *Column[M, V]) Phase() Phase { return Phase(c.phase.Load()) }

// SetPhase puts reads into phase p, from the next one on. While the engine holds the
// phase (see [Column.Hold]), it asks for p, and the phase comes to it step by step, as
// far as the other instances allow. On an error, which means that p is not a phase,
// the phase stays as it was.
func (c *Column[M, V]) SetPhase(p Phase) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("set phase of move %q: %w", c.move.Name, err)
	}
	if !c.held.ask(p) {
		c.phase.Store(uint32(p))
	}
	return nil
}

// Read returns the value of m, which must have been loaded with all of
// [Column.Columns]: a column that a query left out looks like a null.
//
//	phase     new column set   new column null
//	old       old              old
//	fallback  new              old, and counts a fallback
//	compare   new, compared    old, and counts a fallback
//	new       new              what New returned beside false, and counts it missing
//
// In PhaseNew it does not fall back: the value, the zero value as a rule, is what
// the service would read without the old columns, as [Column.Expr] gives a null.
// A row whose old columns hold no value is not counted.
//
// It allocates nothing, and writes to no shared memory unless it counts or, in
// PhaseCompare, is one of the reads that [Comparison] picks.
func (c *Column[M, V]) Read(m *M) V { return c.read(c.Phase(), m) }

// ReadAll returns the values of rows, as Read does, all of them read in one phase: a
// list that is sorted or compared by them is not torn by a change of the phase. To read
// values by their keys without loading the rows, select [Column.Expr].
func (c *Column[M, V]) ReadAll(rows []M) []V {
	phase := c.Phase()
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = c.read(phase, &rows[i])
	}
	return values
}

func (c *Column[M, V]) read(phase Phase, m *M) V {
	if phase == PhaseOld {
		v, _ := c.move.Old(m)
		return v
	}
	v, ok := c.move.New(m)
	if !ok {
		return c.readNull(phase, m, v)
	}
	if phase == PhaseCompare {
		c.compareRead(m, v)
	}
	return v
}

// readNull answers for a new column that is null: null is what New made of it.
func (c *Column[M, V]) readNull(phase Phase, m *M, null V) V {
	v, pending := c.move.Old(m)
	switch {
	case phase != PhaseNew && pending:
		c.fallbacks.inc()
	case pending:
		c.missing.inc()
	}
	if phase == PhaseNew {
		return null
	}
	return v
}

// Columns returns the names of the columns that a dual write must save together,
// and a read needs: the old ones, then the new ones. For an update:
//
//	db.NewUpdate().Model(&m).Column(c.Columns()...).WherePK()
//
// New columns in another table are not among them: see [Column.SaveNew].
//
// bun's OmitZero would leave out those that are zero, and so write only some of
// them. The slice is the caller's.
func (c *Column[M, V]) Columns() []string {
	if c.move.NewRelation != "" {
		return slices.Clone(c.move.OldColumns)
	}
	return slices.Concat(c.move.OldColumns, c.move.NewColumns)
}
