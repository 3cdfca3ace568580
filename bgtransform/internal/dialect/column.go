package dialect

// Table names a table.
type Table struct {
	Schema, Name string // as they are; Schema may be empty
	SQL          string // quoted, with the schema
}

// Column is a column of a table in the database.
type Column struct {
	Name string
	PK   int // position in the primary key from 1; 0 when not part of it

	// SQL is the quoted name, as it stands in statements. [Dialect].Columns
	// leaves it empty: bun knows how to quote.
	SQL string

	Type string // as a cast spells it; empty where no cast is needed

	// Exact is the column's own type, with its length or scale, as a cast spells
	// it; empty where Type is.
	Exact string

	Kind Kind

	// Opaque says that a model's text must not be filled from what Raw reads,
	// but from the column as the driver reads it.
	Opaque bool

	// Bytes is a format of SQL with one %s that makes of a value of a type of
	// kind [Other] what is equal for equal bytes only. Empty where the type's
	// own equality is that.
	Bytes string

	ruled bool // PostgreSQL: the table has rules, which rewrite its updates

	notNull bool // MariaDB: a joined update would store a zero instead of refusing NULL

	charset, collation string // of a text, where a comparison must name them
}

// RefusedError says why a relation cannot be walked.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// Kind says what Go type the values of a column travel in.
type Kind int

// The kinds of columns.
const (
	Any   Kind = iota // whatever the value is: a database without strict types
	Int               // int64, or uint64 if it is larger
	Float             // float64
	Text              // string, without a cast
	Bytes             // []byte
	Other             // string, the value's text, which a cast makes a value again
)

// Stored returns a value as it was read from the database, ready to be bound
// again: a driver returns the empty blob as nil bytes, which would be bound as NULL.
func Stored(v any) any {
	if b, ok := v.([]byte); ok && b == nil {
		return []byte{}
	}
	return v
}
