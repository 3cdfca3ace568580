package dualread

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// expressionProblems says what is wrong with the expressions that compute some
// columns from others: there is one for each, and together they use all of the others.
func expressionProblems(field string, sql []string, of string, columns []string, from string, sources []string) []string {
	if sql == nil {
		return nil
	}
	if len(sql) != len(columns) {
		return []string{fmt.Sprintf("%s has %d expressions: want one for each of %s, of which there are %d", field, len(sql), of, len(columns))}
	}
	var problems []string
	used := make([]bool, len(sources))
	for i, one := range sql {
		name := field
		if len(sql) > 1 {
			name = fmt.Sprintf("%s[%d]", field, i)
		}
		if one == "" {
			problems = append(problems, name+" is empty")
			continue
		}
		uses, wrong := templateProblems(name, one, from, len(sources))
		problems = append(problems, wrong...)
		for _, j := range uses {
			used[j] = true
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		problems = append(problems, fmt.Sprintf("%s does not use column %q: write ? in its place", field, sources[i]))
	}
	return problems
}

// templateProblems returns which of n columns sql uses by bun's placeholders ? and
// ?0, and what is wrong with it.
//
// bun takes more than that: it would put the value of a model's field for a
// placeholder like ?length, and leave what it cannot resolve for the
// database to stumble over. Both are mistakes here.
func templateProblems(field, sql, from string, n int) (uses []int, problems []string) {
	next := 0
	for name := range placeholders(sql) {
		index := next
		if name == "" {
			next++
		} else if index = columnIndex(name); index < 0 {
			problems = append(problems, fmt.Sprintf("%s has ?%s: columns are written ?, or ?0, ?1, …", field, name))
			continue
		}
		if index >= n {
			problems = append(problems, fmt.Sprintf("%s asks for column %d: %s has %d", field, index+1, from, n))
			continue
		}
		uses = append(uses, index)
	}
	return uses, problems
}

// columnIndex returns the index that a placeholder's name stands for, or -1.
func columnIndex(name string) int {
	index, err := strconv.ParseUint(name, 10, 16)
	if err != nil {
		return -1
	}
	return int(index)
}

// placeholders yields what follows each ? that is not escaped: nothing, a
// number, or a name.
func placeholders(sql string) func(yield func(name string) bool) {
	return func(yield func(string) bool) {
		for i := range len(sql) {
			if sql[i] != '?' || i > 0 && sql[i-1] == '\\' {
				continue
			}
			if !yield(leadingName(sql[i+1:])) {
				return
			}
		}
	}
}

// leadingName returns the name at the start of s, be it bare or in
// parentheses, which bun takes for a name as well.
func leadingName(s string) string {
	if strings.HasPrefix(s, "(") {
		return "("
	}
	end := strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return s
	}
	return s[:end]
}
