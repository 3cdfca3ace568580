package dualread

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// templateProblems says what is wrong with sql as a template over columns:
// every column must be used, by bun's placeholders ? and ?0, and nothing else.
//
// bun takes more than that: it would put the value of a model's field for a
// placeholder like ?length, and leave what it cannot resolve for the
// database to stumble over. Both are mistakes here.
func templateProblems(sql string, columns []string) []string {
	var problems []string
	used := make([]bool, len(columns))
	next := 0
	for name := range placeholders(sql) {
		index := next
		if name == "" {
			next++
		} else if index = columnIndex(name); index < 0 {
			problems = append(problems, fmt.Sprintf("OldSQL has ?%s: columns are written ?, or ?0, ?1, …", name))
			continue
		}
		if index >= len(used) {
			problems = append(problems, fmt.Sprintf("OldSQL asks for column %d: OldColumns has %d", index+1, len(used)))
			continue
		}
		used[index] = true
	}
	if i := slices.Index(used, false); i >= 0 {
		problems = append(problems, fmt.Sprintf("OldSQL does not use column %q: write ? in its place", columns[i]))
	}
	return problems
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
