package bgtransform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// String is the plan for people, in lines.
func (p Plan) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s  %s\n", name, fmt.Sprintf(format, args...))
	}
	sample := p.sampled()
	fmt.Fprintf(&b, "plan of %s: nothing was written\n", p.Transform)
	switch {
	case p.Part == PlanWhole:
		line("table", "%d keys, of which %d are pending; all were tried", p.Keys, p.Pending)
	case p.Keys < 0:
		line("table", "nobody knows how many keys it has")
	default:
		line("table", "about %d keys, of which about %d are pending", p.Keys, p.Pending)
	}
	line("sample", "%s, %s: %d rows found, %d changed, %d to quarantine", p.of(), keyCount(sample.Keys), sample.Found, sample.Changed, sample.Quarantined)
	for _, class := range slices.Sorted(maps.Keys(p.Quarantined)) {
		line("", "%s: %d", class, p.Quarantined[class])
	}
	for _, bt := range p.Batches {
		line("batch", "%d keys: read and transformed in %s, written in %s", bt.Keys, bt.Read.Round(100*time.Microsecond), bt.Write.Round(100*time.Microsecond))
	}
	for _, a := range p.Accesses {
		line("access", "%s: %s", a.Table, a.By)
	}
	for _, w := range p.Warnings {
		line("WARNING", "%s", w)
	}
	if len(p.Disagreeing) > 0 {
		line("disagree", "row %s", strings.Join(p.Disagreeing, ", "))
	}
	for _, ex := range p.Examples {
		for _, col := range slices.Sorted(maps.Keys(ex.Before)) {
			if was, is := ex.Before[col], ex.After[col]; was != is {
				line("row "+ex.Key, "%s: %s -> %s", col, was, is)
			} else {
				line("row "+ex.Key, "%s: %s", col, was)
			}
		}
	}
	line("finish", "%s", p.finish())
	return b.String()
}

// of says which part of the table the sample is of.
func (p Plan) of() string {
	n := fmt.Sprintf("%d batches", len(p.Batches))
	if len(p.Batches) == 1 {
		n = "1 batch"
	}
	switch p.Part {
	case PlanWhole:
		return n + " of the whole table"
	case PlanSpread:
		return n + " from all over the table by " + p.SpreadBy
	default:
		return n + " of the table's first rows"
	}
}

func (p Plan) finish() string {
	if p.Finish.State != ForecastReady {
		return p.Finish.String()
	}
	return fmt.Sprintf("%s of work; begun now, %s", roughly(p.Finish.Left), p.Finish)
}

func keyCount(n int) string {
	if n == 1 {
		return "1 key"
	}
	return fmt.Sprintf("%d keys", n)
}

// brief is the plan in a sentence or two, with its warnings.
func (p Plan) brief() string {
	sample := p.sampled()
	text := fmt.Sprintf("%s, %s, would have changed %d rows and put %d into quarantine; everything was rolled back",
		p.of(), keyCount(sample.Keys), sample.Changed, sample.Quarantined)
	if p.Pending >= 0 && p.Part != PlanWhole {
		text += fmt.Sprintf("; about %d of %d rows are pending", p.Pending, p.Keys)
	}
	parts := []string{text, p.finish()}
	for _, w := range p.Warnings {
		parts = append(parts, "WARNING: "+w)
	}
	return strings.Join(parts, "; ")
}

// sampled is the sum of the batches.
func (p Plan) sampled() (sum PlanBatch) {
	for _, b := range p.Batches {
		sum.Keys, sum.Found, sum.Changed, sum.Quarantined = sum.Keys+b.Keys, sum.Found+b.Found, sum.Changed+b.Changed, sum.Quarantined+b.Quarantined
	}
	return sum
}
