package dualread

import "slices"

// Move is the definition of a column's move, given to [New]. M is the bun
// model, a struct; V is the value as the new column has it: for several new
// columns, a struct of theirs.
//
// The conversion is written once, here, in Go and, as far as it can be said there,
// in SQL. The request path, the transform that moves the old rows and its
// verification are made of it.
//
// All fields are required unless they say otherwise. The functions must be safe
// for concurrent use on distinct models: they should do nothing but convert.
type Move[M, V any] struct {
	// Name tells this move from others in flags, telemetry and errors, and is the
	// name of the transform that moves the old rows. 1 to 100 lower-case letters,
	// digits, '-', '_' and '.', of which the first is a letter or digit.
	Name string

	// OldColumns are the columns that hold the value today, by their names in
	// the database: one, or several that become one.
	OldColumns []string

	// NewColumns are the columns that will hold the value, by their names in the
	// database: one, or several of one value. While all of them are null, the row
	// is not moved yet.
	NewColumns []string

	// NewRelation is the has-one relation of M, by the name of its field in Go, in
	// whose table the new columns are: one row there, with the same primary key, for
	// each row of M. Rows must be loaded with it (bun's Relation) for New to find them.
	// Save with [Column.SaveNew].
	// Optional. Defaults to none: the new columns are in the table of M.
	NewRelation string

	// Forward is the new value computed from the old columns in SQL, such as
	// "? * 1000": one expression for each of NewColumns. Each ? becomes the next of
	// OldColumns, quoted and qualified by its table, and ?0, ?1, … the one of that
	// index, as often as needed; an operator ? is written \?. "?" is a rename.
	//
	// It must agree with Old on every row, also in its type: PostgreSQL computes
	// int * 1000 as an int, which may overflow, so there "CAST(? AS bigint) * 1000"
	// is right. A verification of the transform and its plan ask Old about each row that
	// they read, by Comparison.Equal, and report those on which both disagree.
	// Optional: without it Old alone converts, rows are moved by Go code, and
	// [Column.Expr] can be used in PhaseNew only.
	Forward []string

	// Backward is what a dual write leaves in the old columns, computed from the
	// new ones in SQL, such as "? / 1000": one expression for each of OldColumns,
	// spelled as those of Forward. It must agree with SetOld, also where a division
	// rounds: on MariaDB, 7 / 2 is 3.5 and 7 DIV 2 is 3.
	//
	// With it a row is found whose old columns were written without the new one,
	// by an instance of an older version: its new columns are set, but its old
	// ones are not what Backward makes of them, nor do they lead to them by Forward.
	// Optional: without it such rows are not found. Leave it out where it would not
	// give back a value that was moved by Old and is not in Forward.
	Backward []string

	// HasOld is an SQL condition over OldColumns, spelled as Forward, that is true
	// for rows whose old columns hold a value: where Old returns true.
	// Optional. Defaults to: one of the expressions in Forward is not null; without
	// Forward, one of OldColumns is not null.
	HasOld string

	// Old returns the value from the old columns, converted forward, and false
	// when they hold none, because they are null, say. Then there is nothing to
	// move: the new columns stay null, and the row is neither pending nor counted.
	Old func(m *M) (V, bool)

	// New returns the value from the new columns, and false when all are null.
	New func(m *M) (V, bool)

	// SetOld sets the fields of the old columns from v, converted back. What
	// the old columns cannot hold, such as milliseconds in whole seconds, is
	// lost there: it is what a service in [PhaseOld] reads.
	SetOld func(m *M, v V)

	// SetNew sets the fields of the new columns to v.
	SetNew func(m *M, v V)

	// Wins says which side is saved where an insert or update of a model has both
	// and they do not go together (see [Move.BeforeUpdate]).
	// Optional. Defaults to Neither: the query fails.
	Wins Side

	// Compare says how PhaseCompare compares both values.
	// Optional. Defaults to one read in a hundred.
	Compare Comparison[M, V]

	// Phase is the phase to start in.
	// Optional. Defaults to PhaseFallback.
	Phase Phase
}

// clone returns m with slices of its own.
func (m Move[M, V]) clone() Move[M, V] {
	m.OldColumns, m.NewColumns = slices.Clone(m.OldColumns), slices.Clone(m.NewColumns)
	m.Forward, m.Backward = slices.Clone(m.Forward), slices.Clone(m.Backward)
	return m
}
