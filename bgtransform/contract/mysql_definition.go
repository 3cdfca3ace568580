package contract

import (
	"errors"
	"slices"
	"strings"
)

// mysqlDefinition finds what SHOW CREATE TABLE says of a column, behind its name. The
// server writes a line for each, whatever is in names and comments.
func mysqlDefinition(create, column string) (string, error) {
	name := "  `" + strings.ReplaceAll(column, "`", "``") + "` "
	for line := range strings.SplitSeq(create, "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSuffix(rest, ","), nil
		}
	}
	return "", errors.New("the column does not stand in what SHOW CREATE TABLE says")
}

// mysqlNullable restates the definition of a column, with NULL or NOT NULL in it, and
// all else as it is: MODIFY drops whatever it does not name.
func mysqlNullable(definition string, notNull bool) string {
	words := mysqlJSON(mysqlWords(definition))
	var kept []string
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch {
		case words[i] == "NOT" && next == "NULL", words[i] == "DEFAULT" && next == "NULL":
			i++
		case words[i] == "NULL":
		default:
			kept = append(kept, words[i])
		}
	}
	attributes := []string{"DEFAULT", "ON", "AUTO_INCREMENT", "COMMENT", "CHECK", "INVISIBLE", "WITHOUT", "WITH"}
	at := slices.IndexFunc(kept, func(w string) bool { return slices.Contains(attributes, w) })
	if at < 0 {
		at = len(kept)
	}
	word := "NULL"
	if notNull {
		word = "NOT NULL"
	}
	return strings.Join(slices.Insert(kept, at, word), " ")
}

// mysqlJSON calls a column JSON that is shown as what MariaDB makes of it: restated as
// that it would count as another type, for which the table is copied.
func mysqlJSON(words []string) []string {
	shown := []string{"longtext", "CHARACTER", "SET", "utf8mb4", "COLLATE", "utf8mb4_bin"}
	n, last := len(shown), len(words)-1
	if last < n+1 || !slices.Equal(words[:n], shown) || words[last-1] != "CHECK" || !strings.HasPrefix(words[last], "(json_valid(`") {
		return words
	}
	return append([]string{"json"}, words[n:last-1]...)
}

// mysqlWords splits a definition where there are spaces outside of quotes, parentheses
// and comments.
func mysqlWords(definition string) []string {
	var words []string
	depth, begin := 0, 0
	for i := 0; i < len(definition); i++ {
		switch c := definition[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = quoteEnd(definition, i)
		case c == '(':
			depth++
		case c == ')':
			depth--
		case strings.HasPrefix(definition[i:], "/*"):
			if end := strings.Index(definition[i:], "*/"); end > 0 {
				i += end + 1
			}
		case c == ' ' && depth == 0:
			words = append(words, definition[begin:i])
			begin = i + 1
		}
	}
	return slices.DeleteFunc(append(words, definition[begin:]), func(w string) bool { return w == "" })
}

// quoteEnd returns where the quoted text ends that begins at i. A quote inside of it
// is doubled, which reads as two texts side by side, or has a backslash before it.
func quoteEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote; i++ {
		if text[i] == '\\' && quote != '`' {
			i++
		}
	}
	return i
}
