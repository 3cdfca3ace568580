package bgtransformtest

import (
	"errors"
	"fmt"
	"strings"
)

// mixed returns nil when every row is as in one of two outcomes, or an error
// that names the others.
func mixed(got, first, last outcome) error {
	found := map[place][]string{}
	for _, table := range union(joined(got.tables, first.tables), last.tables) {
		is, one, other := got.tables[table], first.tables[table], last.tables[table]
		for _, key := range union(joined(is, one), other) {
			if text := neither(is[key], one[key], other[key]); text != "" {
				found[place{table, key}] = []string{text}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return errors.New("an update was lost; these rows are neither as if the writer had come first nor as if it had come last:\n" + list(sortedLines(found)))
}

// neither compares a row with what it is in two outcomes.
func neither(is, first, last row) string {
	ifFirst, ifLast := rowDiff(is, first), rowDiff(is, last)
	switch {
	case ifFirst == "" || ifLast == "":
		return ""
	case ifFirst == ifLast:
		return ifFirst
	default:
		return strings.Join([]string{
			fmt.Sprintf("with the writer first, %s", ifFirst),
			fmt.Sprintf("with the writer last, %s", ifLast),
		}, "; ")
	}
}
