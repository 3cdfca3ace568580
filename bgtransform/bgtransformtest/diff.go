package bgtransformtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// differences returns nil when got is want, or an error that names what
// differs: tables, rows and columns, rows written more or less often, and rows
// in quarantine.
func differences(got, want outcome) error {
	found := map[place][]string{}
	for _, table := range union(got.tables, want.tables) {
		for _, key := range union(got.tables[table], want.tables[table]) {
			if text := rowDiff(got.tables[table][key], want.tables[table][key]); text != "" {
				found[place{table, key}] = append(found[place{table, key}], text)
			}
		}
	}
	for w := range joined(got.writes, want.writes) {
		if got.writes[w] != want.writes[w] {
			at := place{w.table, w.key}
			found[at] = append(found[at], fmt.Sprintf("%s %s, want %s", w.did, times(got.writes[w]), times(want.writes[w])))
		}
	}
	lines := sortedLines(found)
	for _, key := range union(got.held, want.held) {
		switch {
		case !want.held[key]:
			lines = append(lines, key+" is in quarantine")
		case !got.held[key]:
			lines = append(lines, key+" is not in quarantine")
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(list(lines))
}

// place is where a row is.
type place struct {
	table, key string
}

// sortedLines makes a line for each place, ordered by table and key.
func sortedLines(found map[place][]string) []string {
	places := slices.SortedFunc(maps.Keys(found), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.table, b.table), compareKeys(a.key, b.key))
	})
	lines := make([]string, len(places))
	for i, p := range places {
		lines[i] = p.table + " " + p.key + ": " + strings.Join(found[p], "; ")
	}
	return lines
}

// compareKeys orders shorter texts first, so that 9 comes before 10.
func compareKeys(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// rowDiff compares two rows, of which each may be missing.
func rowDiff(got, want row) string {
	switch {
	case got == nil && want == nil:
		return ""
	case got == nil:
		return "the row is missing"
	case want == nil:
		return "the row should not be there"
	}
	var parts []string
	for _, col := range union(got, want) {
		if got[col] != want[col] {
			parts = append(parts, fmt.Sprintf("%s is %s, want %s", col, value(got, col), value(want, col)))
		}
	}
	return strings.Join(parts, "; ")
}

func value(r row, col string) string {
	if v, ok := r[col]; ok {
		return v
	}
	return "no column"
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// union returns the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	return slices.Sorted(maps.Keys(joined(a, b)))
}

func joined[K comparable, V any](a, b map[K]V) map[K]V {
	all := make(map[K]V, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}
