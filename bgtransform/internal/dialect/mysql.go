package dialect

import (
	"strconv"
)

// mysql is MariaDB (from 10.6) and MySQL (from 8.0.19). What they spell
// differently stands in comments that only one of them executes, so that
// nobody has to ask the server which it is.
func mysql() *Dialect {
	d := &Dialect{
		Name: "mysql",
		// It stands still within a statement, so that a lease taken after a wait
		// is too short rather than too long. SYSDATE does not, but is local time,
		// in which an hour of the year comes twice.
		Now:         "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)",
		Placeholder: question,
		Remote:      true,
		Raw:         mysqlRaw,
		Carry:       mysqlCarry,
		Bind:        func(c Column) string { return mysqlTyped(c, mysqlCarry(c)) },
		Same:        mysqlSame,
		Holds:       mysqlHolds,
		Load:        mysqlLoad,
		Getter:      mysqlGetter,
		Classify:    mysqlClassify,
		// Unless the app's data source name says clientFoundRows=true.
		AffectedIsMatched: false,
		LockRows:          " FOR UPDATE",
		// A string in the connection's character set, as in the app's own
		// writes: what the column cannot hold is refused, not converted.
		assign: func(Column) string { return Arg },
	}
	d.Columns = d.mysqlColumns
	d.Estimate = d.mysqlEstimate
	d.Write = d.writeTable
	d.Writers = d.mysqlWriters
	d.read = d.mysqlRead
	d.write = d.mysqlWrite
	return d
}

// mysqlRaw reads texts as bytes, which the server does not convert for the
// connection, and whatever the driver may change as text or number.
func mysqlRaw(c Column) string {
	switch c.Kind {
	case Float:
		if c.Type == mysqlFloat {
			return "CAST(" + c.SQL + " AS DOUBLE)" // as text, a float has six digits
		}
		return c.SQL
	case Text:
		return "CAST(" + c.SQL + " AS BINARY)"
	case Other:
		switch c.Type {
		case mysqlNumber:
			return "CAST(" + c.SQL + " AS UNSIGNED)"
		case mysqlTimestamp:
			return "CAST(UNIX_TIMESTAMP(" + c.SQL + ") AS BINARY)" // its text depends on the time zone
		case mysqlHex:
			return "HEX(" + c.SQL + ")"
		default:
			return "CAST(CAST(" + c.SQL + " AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
		}
	default:
		return c.SQL
	}
}

// mysqlCarry takes texts as bytes too, so that neither the connection's
// character set nor its collation has a say. A value that is only cast to
// bytes is still converted by the next function, as if it were a text.
func mysqlCarry(c Column) string {
	if c.Kind == Text || c.Kind == Bytes || (c.Kind == Other && c.Type != mysqlNumber) {
		return "UNHEX(HEX(" + Arg + "))"
	}
	return Arg
}

// mysqlTyped makes of a carried value one of the column's own type, character
// set and collation: the column itself stays bare, and is found by its index.
func mysqlTyped(c Column, carried string) string {
	switch c.Kind {
	case Text:
		return "CONVERT(" + carried + " USING " + c.charset + ") COLLATE " + c.collation
	case Other:
		switch c.Type {
		case mysqlNumber:
			return carried
		case mysqlHex:
			return "UNHEX(" + carried + ")"
		case mysqlTimestamp:
			return "FROM_UNIXTIME(CAST(" + carried + " AS DECIMAL(20, 6)))"
		default:
			return "CAST(CONVERT(" + carried + " USING utf8mb4) AS " + c.Type + ")"
		}
	default:
		return carried
	}
}

func mysqlSame(c Column, carried string) string { return mysqlRaw(c) + " <=> " + carried }

// mysqlLoad irons out what the driver's two protocols do differently.
func mysqlLoad(c Column, v any) any {
	switch v := v.(type) {
	case float32:
		return float64(v)
	case uint64:
		if i := int64(v); i >= 0 {
			return i
		}
		return v
	case []byte:
		if v == nil {
			return []byte{}
		}
		return mysqlLoadText(c, string(v))
	case string:
		return mysqlLoadText(c, v)
	default:
		return v
	}
}

func mysqlLoadText(c Column, text string) any {
	switch {
	case c.Kind == Bytes:
		return []byte(text)
	case c.Kind != Int && c.Type != mysqlNumber:
		return text
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return u
	}
	return text
}
