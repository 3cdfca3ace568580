package dualread

// Sides is what the functions of a definition say about a row.
type Sides struct {
	Old bool // Old has returned a value
	New bool // New has

	// Equal says that both have, and that it is one value by Comparison.Equal.
	Equal bool

	// Together says that the new value goes with the old side as [Comparison] has it:
	// both are equal, or the old columns hold what a dual write of the new one leaves.
	Together bool
}

// Sides asks the functions of the definition about m, which must have been loaded
// with all of [Column.Columns]. Unlike [Column.Read] it counts nothing, does not
// depend on the phase, and passes on a panic of the functions.
func (c *Column[M, V]) Sides(m *M) Sides {
	old, isOld := c.move.Old(m)
	next, isNew := c.move.New(m)
	s := Sides{Old: isOld, New: isNew, Equal: isOld && isNew && c.move.Compare.Equal(old, next)}
	s.Together = s.Equal || isNew && c.move.together(next, old, isOld)
	return s
}
