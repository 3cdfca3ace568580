package benchtest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// report collects the turns of all ways.
type report struct {
	server string
	rows   int
	names  []string
	turns  map[string][]result
}

func newReport(server string, rows int) *report {
	return &report{server: server, rows: rows, turns: map[string][]result{}}
}

func (r *report) add(name string, res result) {
	if len(r.turns[name]) == 0 {
		r.names = append(r.names, name)
	}
	r.turns[name] = append(r.turns[name], res)
}

// median returns the middle of what of gives for each turn of a way.
func (r *report) median(name string, of func(result) float64) float64 {
	var values []float64
	for _, res := range r.turns[name] {
		values = append(values, of(res))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio returns how much faster one way is than another, in the middle of the
// turns: those of one turn have seen the same disk and the same neighbours.
func (r *report) ratio(name, to string) float64 {
	var values []float64
	for i, res := range r.turns[name] {
		values = append(values, res.rate()/r.turns[to][i].rate())
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// print writes the table, and reports the ratios of ours.
func (r *report) print(b *testing.B) {
	b.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %d rows, batches of %d, %d turns\n\n", r.server, r.rows, batchSize, len(r.turns[r.names[0]]))
	fmt.Fprintf(&out, "| way | rows/s | SQL is | Rows is |\n|---|---:|---:|---:|\n")
	for _, name := range r.names {
		rate := r.median(name, result.rate)
		fmt.Fprintf(&out, "| %s | %.0f | %.2f× | %.2f× |\n", name, rate, r.ratio("ours, SQL", name), r.ratio("ours, Rows", name))
		b.ReportMetric(rate, strings.NewReplacer(" ", "-", ",", "").Replace(name)+"-rows/s")
	}
	for _, name := range []string{"ours, SQL", "ours, Rows"} {
		second := r.median(name, func(res result) float64 { return float64(res.rows) / (res.whole - res.passed).Seconds() })
		whole := r.median(name, func(res result) float64 { return float64(res.rows) / res.whole.Seconds() })
		fmt.Fprintf(&out, "| %s, with its second pass | %.0f | | |\n| %s, second pass alone | %.0f | | |\n", name, whole, name, second)
	}
	fmt.Fprintln(os.Stdout, "\n"+out.String()) // a benchmark's log is cut short
	for _, of := range [][2]string{
		{"ours, SQL", "keyset UPDATE loop"}, {"ours, Rows", "bun bulk loop"}, {"ours, Rows", "row by row"}, {"ours, Rows", "pgroll's way"},
	} {
		if len(r.turns[of[1]]) > 0 {
			b.ReportMetric(r.ratio(of[0], of[1]), strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(of[0]+"/"+of[1]))
		}
	}
}
