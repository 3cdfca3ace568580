package keyset

import (
	"reflect"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// pieces spells a range of keys of several columns for a database that does not
// end its walk through the index where a comparison of row values turns false.
// Columns in which both ends agree are equalities. Of the others, it adds to the
// comparisons the pieces that the range is made of, such as
//
//	a = 1 AND b > 7  OR  a > 1 AND a < 4  OR  a = 4 AND b <= 2
//
// each of which is one stretch of the index. The comparisons stay, because values
// that differ may be equal for the column's collation.
func (w Walk) pieces(from, to Key) (string, []any) {
	var p piece
	same := 0
	for from != nil && same < len(to)-1 && reflect.DeepEqual(from[same], to[same]) {
		p.add(w, w.Keys[same], "=", to[same])
		same++
	}
	rest := Walk{Dialect: w.Dialect, Keys: w.Keys[same:]}
	to = to[same:]
	if from != nil {
		from = from[same:]
	}
	if len(rest.Keys) == 1 {
		cond, args := rest.between(from, to)
		p.conds, p.args = append(p.conds, cond), append(p.args, args...)
	} else {
		if from != nil {
			cond, args := rest.compare(rest.Keys, from, ">", "")
			p.conds, p.args = append(p.conds, cond), append(p.args, args...)
		}
		// A test of a comparison is no use for the index, which the pieces are for.
		cond, args := rest.compare(rest.Keys, to, "<", "=")
		p.conds, p.args = append(p.conds, "("+cond+") IS TRUE"), append(p.args, args...)
		var either []string
		for _, one := range rest.split(from, to) {
			either = append(either, strings.Join(one.conds, " AND "))
			p.args = append(p.args, one.args...)
		}
		p.conds = append(p.conds, "("+strings.Join(either, " OR ")+")")
	}
	return strings.Join(p.conds, " AND "), p.args
}

// split returns the pieces of a range whose ends differ in the first column: what
// is left of the first group, the groups in between, the beginning of the last.
func (w Walk) split(from, to Key) (all []piece) {
	for i := len(from) - 1; i > 0; i-- {
		all = append(all, w.inGroup(from, i, ">"))
	}
	var between piece
	if from != nil {
		between.add(w, w.Keys[0], ">", from[0])
	}
	between.add(w, w.Keys[0], "<", to[0])
	all = append(all, between)
	for i := 1; i < len(to); i++ {
		op := "<"
		if i == len(to)-1 {
			op = "<="
		}
		all = append(all, w.inGroup(to, i, op))
	}
	return all
}

// inGroup is the piece of the keys that share the first n columns with key.
func (w Walk) inGroup(key Key, n int, op string) (p piece) {
	for i := range n {
		p.add(w, w.Keys[i], "=", key[i])
	}
	p.add(w, w.Keys[n], op, key[n])
	return p
}

// piece is a list of comparisons, all of which must hold.
type piece struct {
	conds []string
	args  []any
}

func (p *piece) add(w Walk, c dialect.Column, op string, value any) {
	p.conds = append(p.conds, c.SQL+" "+op+" "+w.Dialect.Bind(c))
	p.args = append(p.args, value)
}
