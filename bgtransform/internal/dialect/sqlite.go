package dialect

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

func sqlite() *Dialect {
	d := &Dialect{
		Name: "sqlite",
		Now:  "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
		// The unary plus makes it an expression, which has no declared type
		// for the driver to convert by, and changes no value.
		Raw:               func(c Column) string { return "+" + c.SQL },
		Carry:             func(Column) string { return Arg },
		Bind:              func(Column) string { return Arg },
		Same:              func(c Column, carried string) string { return c.SQL + " IS " + carried + " COLLATE BINARY" },
		Holds:             func(c Column, expr string) string { return c.SQL + " IS " + expr + " COLLATE BINARY" }, // it converts as storing does
		Load:              func(_ Column, v any) any { return Stored(v) },
		Placeholder:       question,
		Columns:           sqliteColumns,
		Classify:          sqliteClassify,
		AffectedIsMatched: true,
		RowValues:         true,
		RowsEnd:           true,
		Estimate:          func(context.Context, bun.IDB, Table) (int64, error) { return -1, nil },
		Getter:            func(gen schema.QueryGen, f *schema.Field, _ Column) Getter { return getter(gen, f) },
		write:             inTx,
	}
	d.read = d.unlimited
	d.Write = func(ctx context.Context, tx bun.Tx, u Update) (int, error) { return d.writeEach(ctx, tx, u) }
	return d
}

func sqliteColumns(ctx context.Context, db bun.IDB, table Table) ([]Column, error) {
	schema := cmp.Or(table.Schema, "main") // the name of an attached database
	rows, err := db.QueryContext(ctx, "SELECT name, pk FROM pragma_table_xinfo(?, ?)", table.Name, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cols []Column
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name, &c.PK); err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return cols, rows.Err()
}

// writeEach prepares the statement once and executes it for each row. On
// SQLite there is no round trip to save, and this is faster than one statement
// for all of them.
func (d *Dialect) writeEach(ctx context.Context, tx bun.Tx, u Update) (int, error) {
	// A driver watches a context that can end with a goroutine for each
	// statement, which takes longer than the update of a row. The transaction
	// holds the write lock already, so that no row waits: looking at the
	// context between them is enough.
	each := context.WithoutCancel(ctx)
	stmt, err := tx.Tx.PrepareContext(each, d.spell(u.statement(d, nil)))
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	changed := 0
	var args []any
	for i := range u.Rows {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		row := &u.Rows[i]
		args = row.args(args[:0])
		var res sql.Result
		if row.bound() {
			res, err = stmt.ExecContext(each, args...)
		} else {
			res, err = tx.Tx.ExecContext(each, d.spell(u.statement(d, row)), args...)
		}
		n, err := affected(res, err)
		if err != nil {
			return 0, err
		}
		row.Changed = n > 0
		changed += n
	}
	return changed, nil
}

// Result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	sqliteError      = 1
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadOnly   = 8
	sqliteInterrupt  = 9
	sqliteIOErr      = 10
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteMismatch   = 20
	sqliteAuth       = 23
	sqliteRange      = 25
)

func sqliteClassify(err error) Class {
	// The driver reports an interrupt for a context that ended.
	code, ok := sqliteCode(err)
	if !ok || code == sqliteInterrupt {
		class, _ := classifyCommon(err)
		if strings.Contains(err.Error(), "missing argument") { // a placeholder without a value
			return Schema
		}
		if code == sqliteInterrupt && class == Unknown {
			return Interrupted
		}
		return class
	}
	switch code {
	case sqliteBusy, sqliteLocked:
		return Transient
	case sqliteReadOnly, sqliteIOErr, sqliteFull, sqliteCantOpen, sqliteAuth:
		return Unavailable
	case sqliteConstraint, sqliteMismatch, sqliteTooBig, sqliteRange:
		return BadRow
	case sqliteError:
		return sqliteGeneric(err.Error())
	default:
		return Unknown
	}
}

// sqliteGeneric tells the two meanings of SQLite's general error code apart:
// a statement that cannot be prepared, and a function that refused its values.
func sqliteGeneric(message string) Class {
	for _, s := range []string{
		"no such table", "no such column", "no such function", "syntax error", "has no column named", "unrecognized token",
		"too many SQL variables", "ambiguous column", "misuse of", "wrong number of arguments", "incomplete input", " columns but ",
	} {
		if strings.Contains(message, s) {
			return Schema
		}
	}
	return BadRow
}

// sqliteCode returns the primary result code, of any driver that tells it
// (modernc and ncruces by a Code method). The extended code's low byte is it.
func sqliteCode(err error) (int, bool) {
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return coded.Code() & 0xff, true
	}
	switch msg := err.Error(); {
	case strings.Contains(msg, "database is locked"), strings.Contains(msg, "database table is locked"):
		return sqliteBusy, true
	case strings.Contains(msg, "constraint failed"):
		return sqliteConstraint, true
	case strings.Contains(msg, "readonly database"):
		return sqliteReadOnly, true
	case strings.Contains(msg, "unable to open database"):
		return sqliteCantOpen, true
	case strings.Contains(msg, "no such "), strings.Contains(msg, "syntax error"):
		return sqliteError, true
	default:
		return 0, false
	}
}
