package dialect

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// cell is how the values of one column stand in the JSON text of an update.
type cell int

const (
	cellNull     cell = iota // there are none
	cellInt                  // int64
	cellUnsigned             // uint64, and an int64 that is not negative
	cellFloat                // float64
	cellText                 // string, as hexadecimal digits
	cellBytes                // []byte, as hexadecimal digits
)

// shape describes the table that the server makes of the JSON text: the
// columns of the update, one after the other.
type shape struct {
	sets, keys, guards []cell

	raw bool // the values of sets are what Raw has read
}

// shape is what the first values of the columns are.
func (u Update) shape() shape {
	cells := func(cols []Column, values func(r *Row) []any) []cell {
		cs := make([]cell, len(cols))
		for i, c := range cols {
			for n := 0; n < len(u.Rows) && cs[i] == cellNull; n++ {
				cs[i] = cellOf(c, values(&u.Rows[n])[i])
			}
			if cs[i] == cellNull && mysqlCarry(c) != Arg {
				cs[i] = cellBytes // else the column's bytes would be compared as a number
			}
		}
		return cs
	}
	return shape{
		cells(u.Sets, func(r *Row) []any { return r.Set }),
		cells(u.Keys, func(r *Row) []any { return r.Key }),
		cells(u.Guards, func(r *Row) []any { return r.Guard }),
		u.Raw,
	}
}

func cellOf(c Column, v any) cell {
	switch v := v.(type) {
	case int64:
		if v >= 0 && c.Type == mysqlUnsigned {
			return cellUnsigned
		}
		return cellInt
	case uint64:
		return cellUnsigned
	case float64:
		return cellFloat
	case string:
		return cellText
	case []byte:
		return cellBytes
	default:
		return cellNull
	}
}

// fits reports whether a row can stand in the table.
func (s shape) fits(r *Row) bool {
	size := 0
	all := func(cells []cell, values []any) bool {
		for i, v := range values {
			ok := v == nil
			switch v := v.(type) {
			case int64:
				ok = cells[i] == cellInt || (cells[i] == cellUnsigned && v >= 0)
			case uint64:
				ok = cells[i] == cellUnsigned
			case float64: // JSON has no negative zero
				ok = cells[i] == cellFloat && (v != 0 || !math.Signbit(v))
			case string:
				ok = cells[i] == cellText
				size += len(v)
			case []byte:
				ok = cells[i] == cellBytes
				size += len(v)
			}
			if !ok {
				return false
			}
		}
		return true
	}
	for _, v := range r.Set {
		if !s.raw && !valid(v) {
			return false
		}
	}
	return all(s.sets, r.Set) && all(s.keys, r.Key) && all(s.guards, r.Guard) && 2*size < mysqlLarge
}

// append adds a row to a list of rows that is not closed.
func (s shape) append(text []byte, r *Row) []byte {
	between := byte('[')
	if len(text) > 0 {
		between = ','
	}
	text = append(text, between)
	between = '['
	for _, values := range [][]any{r.Set, r.Key, r.Guard} {
		for _, v := range values {
			text = append(text, between)
			between = ','
			text = appendCell(text, v)
		}
	}
	return append(text, ']')
}

func appendCell(text []byte, v any) []byte {
	digits := func(raw []byte) []byte {
		text = append(text, '"')
		text = hex.AppendEncode(text, raw)
		return append(text, '"')
	}
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(text, v, 10)
	case uint64:
		return strconv.AppendUint(text, v, 10)
	case float64:
		return strconv.AppendFloat(text, v, 'g', -1, 64)
	case string:
		return digits([]byte(v))
	case []byte:
		return digits(v)
	default:
		return append(text, "null"...)
	}
}

// joined is the table of new values, and the app's table beside it, which is
// looked into for each of its rows.
func (s shape) joined(u Update) string {
	cols := []string{"bgt_n FOR ORDINALITY"}
	for _, cells := range [][]cell{s.sets, s.keys, s.guards} {
		for _, c := range cells {
			at := len(cols) - 1
			cols = append(cols, s.bare(at)+" "+c.column()+" PATH '$["+strconv.Itoa(at)+"]' ERROR ON ERROR")
		}
	}
	conds := make([]string, len(u.Keys))
	for i, c := range u.Keys {
		conds[i] = c.SQL + " = " + mysqlTyped(c, s.keys[i].carried(s.name(len(s.sets)+i)))
	}
	return "JSON_TABLE(" + Arg + ", '$[*]' COLUMNS (" + strings.Join(cols, ", ") + ")) AS bgt_new" +
		" STRAIGHT_JOIN " + u.Table + " ON " + strings.Join(conds, " AND ")
}

func (s shape) where(u Update) string {
	var b strings.Builder
	b.WriteString(" WHERE ")
	for i, c := range u.Guards {
		b.WriteString(mysqlSame(c, s.guards[i].carried(s.name(len(s.sets)+len(s.keys)+i))) + " AND ")
	}
	return b.String() + u.where()
}

// bare is the name of a column of the table, from 0. None of the app's is
// called that.
func (s shape) bare(at int) string { return "bgt_" + strconv.Itoa(at) }

func (s shape) name(at int) string { return "bgt_new." + s.bare(at) }

// column is the type under which a cell is read.
func (c cell) column() string {
	switch c {
	case cellUnsigned:
		return "BIGINT UNSIGNED"
	case cellFloat:
		return "DOUBLE"
	case cellText, cellBytes:
		return "LONGTEXT"
	default:
		return "BIGINT"
	}
}

// carried is the cell's value in the form that Carry gives a bound one.
func (c cell) carried(name string) string {
	if c == cellText || c == cellBytes {
		return "UNHEX(" + name + ")"
	}
	return name
}

// assigned is a cell's value in the form that a column is set to.
func (s shape) assigned(col Column, at int) string {
	c, name := s.sets[at], s.name(at)
	switch {
	case s.raw:
		return mysqlTyped(col, c.carried(name))
	case c == cellText:
		return "CONVERT(UNHEX(" + name + ") USING utf8mb4)"
	default:
		return c.carried(name)
	}
}
