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
	return middle(values)
}

// middle returns the median.
func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// thrift returns how much less processor time one way takes for a row than another.
func (r *report) thrift(name, to string) float64 {
	var values []float64
	for i, res := range r.turns[name] {
		other := r.turns[to][i]
		values = append(values, per(other.rows, other.spent.both())/per(res.rows, res.spent.both()))
	}
	return middle(values)
}

// ratio returns how much faster one way is than another, in the middle of the
// turns: those of one turn have seen the same disk and the same neighbours.
func (r *report) ratio(name, to string) float64 {
	var values []float64
	for i, res := range r.turns[name] {
		values = append(values, res.rate()/r.turns[to][i].rate())
	}
	return middle(values)
}

// print writes the table. A benchmark's log would be cut short.
func (r *report) print() {
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "\n%s, %d rows, batches of %d, %d turns\n\n", r.server, r.rows, batchSize, len(r.turns[r.names[0]]))
	_, _ = fmt.Fprintln(&out, "| way | rows/s | SQL is | Rows is | server, µs a row | client | SQL is | Rows is |\n|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, name := range r.names {
		_, _ = fmt.Fprintf(&out, "| %s | %.0f | %.2f× | %.2f× | %.2f | %.2f | %.2f× | %.2f× |\n",
			name, r.median(name, result.rate), r.ratio(oursSQL, name), r.ratio(oursRows, name),
			r.median(name, func(res result) float64 { return per(res.rows, res.spent.server) }),
			r.median(name, func(res result) float64 { return per(res.rows, res.spent.client) }),
			r.thrift(oursSQL, name), r.thrift(oursRows, name))
	}
	for _, name := range []string{oursSQL, oursRows} {
		second := r.median(name, func(res result) float64 { return float64(res.rows) / (res.whole - res.passed).Seconds() })
		whole := r.median(name, func(res result) float64 { return float64(res.rows) / res.whole.Seconds() })
		_, _ = fmt.Fprintf(&out, "| %s, with its second pass | %.0f |\n| %s, second pass alone | %.0f |\n", name, whole, name, second)
	}
	_, _ = fmt.Fprintln(os.Stdout, out.String())
}

// metrics reports the rates, and the ratios that are promised.
func (r *report) metrics(b *testing.B) {
	b.Helper()
	unit := strings.NewReplacer(" ", "-", ",", "", "'", "")
	for _, name := range r.names {
		b.ReportMetric(r.median(name, result.rate), unit.Replace(name)+"-rows/s")
	}
	for _, pair := range [][2]string{{oursSQL, bareLoop}, {oursRows, bunLoop}, {oursRows, rowByRow}, {oursRows, pgrollWay}} {
		if len(r.turns[pair[1]]) > 0 {
			b.ReportMetric(r.ratio(pair[0], pair[1]), unit.Replace(pair[0]+"/"+pair[1]))
			b.ReportMetric(r.thrift(pair[0], pair[1]), unit.Replace(pair[0]+"/"+pair[1])+"-cpu")
		}
	}
}
