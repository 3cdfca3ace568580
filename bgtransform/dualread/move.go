package dualread

// Move is the definition of a column's move, given to [New]. M is the bun
// model, a struct; V is the value as the new column has it.
//
// All fields are required unless they say otherwise. The functions must be safe
// for concurrent use on distinct models: they should do nothing but convert.
type Move[M, V any] struct {
	// Name tells this move from others in flags, telemetry and errors. It
	// should be the name of the transform that moves the old rows. 1 to 100
	// lower-case letters, digits, '-', '_' and '.'.
	Name string

	// OldColumns are the columns that hold the value today, by their names in
	// the database: one, or several that become one.
	OldColumns []string

	// OldSQL is the new value computed from the old columns in SQL, such as
	// "? * 1000". Each ? becomes the next of OldColumns, quoted and qualified by
	// its table, and ?0, ?1, … the one of that index, as often as needed; an
	// operator ? is written \?. It must agree with Old on every row, also in its
	// type: PostgreSQL computes int * 1000 as an int, which may overflow, so there
	// "CAST(? AS bigint) * 1000" is right.
	// Optional for one old column. Defaults to "?", which is a rename.
	OldSQL string

	// NewColumn is the column that will hold the value, by its name in the
	// database. Null means: not moved yet.
	NewColumn string

	// Old returns the value from the old columns, converted forward.
	Old func(m *M) V

	// New returns the value from the new column, and false when it is null.
	New func(m *M) (V, bool)

	// SetOld sets the fields of the old columns from v, converted back. What
	// the old columns cannot hold, such as milliseconds in whole seconds, is
	// lost there: it is what a service in [PhaseOld] reads.
	SetOld func(m *M, v V)

	// SetNew sets the field of the new column to v.
	SetNew func(m *M, v V)

	// Pending reports whether a row whose new column is null waits to be moved.
	// Give it when the new column stays null for good in some rows, because
	// the old one is null there too, say: such rows are not counted, so
	// that the counts can come to rest. It changes no value that is read.
	// Optional. Defaults to true for every row.
	Pending func(m *M) bool

	// Phase is the phase to start in.
	// Optional. Defaults to PhaseFallback.
	Phase Phase
}
