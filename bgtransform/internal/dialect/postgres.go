package dialect

import (
	"strconv"
	"strings"
)

func postgres() *Dialect {
	d := &Dialect{
		Name:              "pg",
		Now:               "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
		Remote:            true,
		Placeholder:       func(n int) string { return "$" + strconv.Itoa(n) },
		Columns:           postgresColumns,
		Raw:               postgresRaw,
		Carry:             postgresCarry,
		Bind:              func(c Column) string { return postgresTyped(c, postgresCarry(c)) },
		Same:              postgresSame,
		Holds:             postgresHolds,
		Load:              postgresLoad,
		Getter:            postgresGetter,
		Estimate:          postgresEstimate,
		Classify:          postgresClassify,
		AffectedIsMatched: true,
		ReadIsTransaction: true,
		KeepsVersions:     true,
		RowValues:         true,
		LockRows:          " FOR NO KEY UPDATE", // as an UPDATE takes it: foreign keys to the row are not held up
	}
	d.Write = d.writeUnnested
	d.Writers = d.postgresWriters
	d.read = d.postgresRead
	d.write = d.postgresWrite
	d.settings = postgresSettings
	return d
}

// element is the type in which a column's values are bound.
func (k Kind) element() string {
	switch k {
	case Int:
		return "bigint"
	case Float:
		return "double precision"
	case Bytes:
		return "bytea"
	default:
		return "text"
	}
}

func postgresCarry(c Column) string { return "CAST(" + Arg + " AS " + c.Kind.element() + ")" }

// postgresTyped makes of a carried value one of the column's own type.
// PostgreSQL compares integers of different sizes, and floats, through an index
// as they are.
func postgresTyped(c Column, carried string) string {
	if c.Kind == Other {
		return "CAST(" + carried + " AS " + c.Type + ")"
	}
	return carried
}

// timestamptz is the type whose text follows the session's time zone.
const timestamptz = "timestamp with time zone"

// postgresRaw reads a value as its text where it has no Go type of its own. A
// cast to text cuts the blanks of a char(n) and adds a mask to an inet.
func postgresRaw(c Column) string {
	switch {
	case c.Kind == Float:
		return "CAST(" + c.SQL + " AS double precision)"
	case c.Kind != Other:
		return c.SQL
	case c.Type == "bpchar":
		return "textin(bpcharout(" + c.SQL + "))"
	case c.Type == "inet", c.Type == "cidr":
		return "textin(" + c.Type + "_out(" + c.SQL + "))"
	case c.Type == timestamptz:
		return "CAST(" + c.SQL + " AT TIME ZONE 'UTC' AS text)"
	default:
		return "CAST(" + c.SQL + " AS text)"
	}
}

// postgresLoad makes the text of a time the same in every session: keys are
// kept as texts, and compared as such.
func postgresLoad(c Column, v any) any {
	if text, ok := v.(string); ok && c.Type == timestamptz {
		switch at, bc := strings.CutSuffix(text, " BC"); {
		case strings.HasSuffix(text, "infinity"):
		case bc:
			return at + "+00 BC"
		default:
			return text + "+00"
		}
	}
	return Stored(v)
}

// postgresSame compares bytes: of a text under the collation "C", of a float in
// its binary form, and so of all types whose equality lets differences pass: 1.0
// and 1.00 are equal as numeric, and json cannot be compared at all.
func postgresSame(c Column, carried string) string {
	form := "%s"
	switch c.Kind {
	case Float:
		form = "float8send(%s)"
	case Text:
		form = `%s COLLATE "C"`
	case Other:
		carried = postgresTyped(c, carried)
		if c.Bytes != "" {
			form = c.Bytes
		}
	default: // equal values have equal bytes
	}
	bytes := func(expr string) string { return strings.Replace(form, "%s", expr, 1) }
	return bytes(c.SQL) + " IS NOT DISTINCT FROM " + bytes(carried)
}

// postgresHolds casts an expression as an assignment would. A text that is too
// long, which an assignment refuses, is not cut.
func postgresHolds(c Column, expr string) string {
	typ := c.Exact
	if c.Kind == Text {
		typ = "text"
	}
	return postgresSame(c, "CAST("+expr+" AS "+typ+")")
}
