package dualread

import (
	"slices"
	"strings"
)

// token is one piece of a statement: a word, a quoted name, a text, or a sign.
type token struct {
	name  string // of a word, as it was written, and of a quoted name, without its quotes
	word  bool   // it is no quoted name
	sign  byte   // a sign, or the quote of a text
	depth int    // of parentheses around it

	start, end int
}

// is reports whether the token is a word, outside of parentheses.
func (t token) is(words ...string) bool {
	return t.word && t.depth == 0 && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, t.name) })
}

// isSign reports whether the token is a sign outside of parentheses.
func (t token) isSign(sign byte) bool { return t.sign == sign && t.depth == 0 }

// tokens splits a statement as bun writes it, without its comments. backslash says
// that a backslash in a text escapes what follows, as on MariaDB.
func tokens(sql string, backslash bool) []token {
	var out []token
	depth := 0
	for i := 0; i < len(sql); {
		c, t := sql[i], token{start: i, depth: depth}
		switch {
		case strings.IndexByte(" \n\t\r", c) >= 0:
			i++
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = past(sql, i+2, "*/")
			continue
		case c == '\'':
			t.sign, i = c, pastQuote(sql, i, backslash)
		case c == '"' || c == '`':
			i = pastQuote(sql, i, false)
			t.name = strings.ReplaceAll(strings.TrimSuffix(sql[t.start+1:i], string(c)), string([]byte{c, c}), string(c))
		case wordByte(c):
			for t.word = true; i < len(sql) && wordByte(sql[i]); {
				i++
			}
			t.name = sql[t.start:i]
		default:
			if c == ')' {
				depth--
				t.depth = depth
			}
			if c == '(' {
				depth++
			}
			t.sign = c
			i++
		}
		t.end = i
		out = append(out, t)
	}
	return out
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// past returns the place behind the next end.
func past(sql string, from int, end string) int {
	if n := strings.Index(sql[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(sql)
}

// pastQuote returns the place behind what begins with a quote at from. A quote that
// is doubled is part of it.
func pastQuote(sql string, from int, backslash bool) int {
	quote := sql[from]
	for i := from + 1; i < len(sql); i++ {
		switch {
		case backslash && sql[i] == '\\':
			i++
		case sql[i] != quote:
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

// assigned is what a column is set to.
type assigned struct {
	expr string // its text
	word bool   // the column's name is not quoted, as bun would have
}

// assignments returns what columns are set to, by an UPDATE or by the update that
// an INSERT makes of a row that is there. nil says that there is none.
func assignments(sql string, all []token) map[string]assigned {
	from := setClause(all)
	if from < 0 {
		return nil
	}
	set := map[string]assigned{}
	for i := from; i < len(all); i++ {
		end := i
		for end < len(all) && !all[end].isSign(',') && !endsSet(all[end]) {
			end++
		}
		if eq := slices.IndexFunc(all[i:end], func(t token) bool { return t.isSign('=') }); eq > 0 && eq < end-i-1 {
			name := all[i+eq-1]
			set[name.name] = assigned{expr: sql[all[i+eq+1].start:all[end-1].end], word: name.word}
		}
		if end < len(all) && endsSet(all[end]) {
			break
		}
		i = end
	}
	return set
}

// setClause returns the place behind SET, or behind ON DUPLICATE KEY UPDATE; -1 if
// there is neither.
func setClause(all []token) int {
	for i, t := range all {
		if t.is("SET") || i > 1 && t.is("UPDATE") && all[i-1].is("KEY") && all[i-2].is("DUPLICATE") {
			return i + 1
		}
	}
	return -1
}

// endsSet reports whether a token begins what follows the assignments.
func endsSet(t token) bool { return t.is("WHERE", "FROM", "RETURNING", "ORDER", "LIMIT") }

// inserted returns the columns that an INSERT lists; nil if it lists none.
func inserted(all []token) []string {
	open := slices.IndexFunc(all, func(t token) bool { return t.isSign('(') || t.is("SELECT", "VALUES") })
	if open < 0 || !all[open].isSign('(') {
		return nil
	}
	var names []string
	for _, t := range all[open+1:] {
		if t.depth == 0 {
			break
		}
		if t.name != "" {
			names = append(names, t.name)
		}
	}
	return names
}
