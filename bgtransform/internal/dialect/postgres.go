package dialect

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

func postgres() *Dialect {
	d := &Dialect{
		Name:              "pg",
		Now:               "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
		Placeholder:       func(n int) string { return "$" + strconv.Itoa(n) },
		Columns:           postgresColumns,
		Raw:               postgresRaw,
		Carry:             postgresCarry,
		Bind:              func(c Column) string { return postgresTyped(c, postgresCarry(c)) },
		Same:              postgresSame,
		Load:              func(_ Column, v any) any { return Stored(v) },
		Value:             postgresValue,
		Estimate:          postgresEstimate,
		Classify:          postgresClassify,
		AffectedIsMatched: true,
	}
	d.Write = d.writeUnnested
	d.read = d.postgresRead
	d.write = d.postgresWrite
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

func postgresRaw(c Column) string {
	if c.Kind == Other {
		return "CAST(" + c.SQL + " AS text)"
	}
	return c.SQL
}

// postgresSame compares bytes: of a text under the collation "C", of a float in
// its binary form, of everything else in its text form, in which 1.0 differs
// from 1.00 and in which json can be compared at all.
func postgresSame(c Column, carried string) string {
	switch c.Kind {
	case Int, Bytes:
		return c.SQL + " IS NOT DISTINCT FROM " + carried
	case Float:
		return "float8send(" + c.SQL + ") IS NOT DISTINCT FROM float8send(" + carried + ")"
	case Text:
		return c.SQL + ` COLLATE "C" IS NOT DISTINCT FROM ` + carried
	default:
		return "CAST(" + c.SQL + ` AS text) COLLATE "C" IS NOT DISTINCT FROM ` + carried
	}
}

// postgresValue returns the field's value in the form in which it is bound.
func postgresValue(gen schema.QueryGen, f *schema.Field, c Column, model reflect.Value) any {
	v := value(gen, f, model)
	switch v := v.(type) {
	case nil:
		return nil
	case schema.Safe:
		return postgresLiteral(c, string(v))
	case string:
		if c.Kind == Text || c.Kind == Other {
			return v
		}
		return schema.Safe(f.AppendValue(gen, nil, model))
	case bool:
		if c.Kind == Other {
			return strconv.FormatBool(v)
		}
		return schema.Safe(strconv.FormatBool(v))
	default:
		n, _ := wide(v)
		switch c.Kind {
		case Int:
			return n
		case Float, Bytes:
			return schema.Safe(strconv.FormatInt(n, 10))
		default:
			return strconv.FormatInt(n, 10)
		}
	}
}

// postgresLiteral turns the SQL text that bun makes of a value into a value to
// bind, if it is a plain literal.
func postgresLiteral(c Column, literal string) any {
	if literal == "NULL" {
		return nil
	}
	if c.Kind != Text && c.Kind != Other {
		return schema.Safe(literal)
	}
	if text, ok := unquoted(literal); ok {
		return text
	}
	if _, err := strconv.ParseFloat(literal, 64); err == nil && c.Kind == Other {
		return literal
	}
	return schema.Safe(literal)
}

// postgresEstimate reads what the last ANALYZE or VACUUM found.
func postgresEstimate(ctx context.Context, db bun.IDB, table Table) (int64, error) {
	var n float64
	err := db.QueryRowContext(ctx, "SELECT COALESCE(sum(reltuples), -1) FROM pg_class WHERE oid = to_regclass(?) AND reltuples >= 0", table.SQL).Scan(&n)
	return int64(n), err
}

// postgresSettings spells the limits of the transaction it is sent in.
func postgresSettings(l Limits) string {
	var b strings.Builder
	set := func(format string, args ...any) { fmt.Fprintf(&b, "SET LOCAL "+format+";", args...) }
	if l.Statement > 0 {
		set("statement_timeout = %d", max(1, l.Statement.Milliseconds()))
	}
	if l.Lock > 0 {
		set("lock_timeout = %d", max(1, l.Lock.Milliseconds()))
	}
	if l.Relaxed {
		set("synchronous_commit = off")
	}
	return b.String()
}
