package window_test

import (
	"fmt"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// margin is how much more than the minutes in question an oracle looks at, before
// and after: a part can have begun that long ago.
const margin = 9 * 24 * 60

// oracle says by brute force for each minute of some days whether a window is open.
type oracle struct {
	tb    testing.TB
	from  time.Time
	open  []bool
	faces map[string]face
}

// face is what the clock of a zone shows at each minute, the highest that it has
// shown by then, and the lowest that it shows from then on. All are minutes of
// the wall clock since 1970.
type face struct{ highest, lowest []int }

func newOracle(tb testing.TB, from time.Time, days int) *oracle {
	tb.Helper()
	return &oracle{tb, from, make([]bool, days*24*60), map[string]face{}}
}

// minute is a time of the wall clock as faces have it.
func minute(civil time.Time) int { return int(civil.Unix() / 60) }

// at returns the instant of minute i.
func (o *oracle) at(i int) time.Time { return o.from.Add(time.Duration(i) * time.Minute) }

func (o *oracle) face(zone string) face {
	if f, ok := o.faces[zone]; ok {
		return f
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		o.tb.Fatal(err)
	}
	shown := make([]int, len(o.open)+2*margin)
	for i := range shown {
		at := o.at(i - margin)
		_, offset := at.In(place).Zone()
		shown[i] = int(at.Unix()+int64(offset)) / 60
	}
	f := face{slices.Clone(shown), shown}
	for i := range len(shown) - 1 {
		f.highest[i+1] = max(f.highest[i+1], f.highest[i])
	}
	for i := len(shown) - 2; i >= 0; i-- {
		f.lowest[i] = min(f.lowest[i], f.lowest[i+1])
	}
	o.faces[zone] = f
	return f
}

// days are the first and the last moment of the wall clock that an oracle knows.
func (f face) days() (first, last time.Time) {
	civil := func(minute int) time.Time { return time.Unix(60*int64(minute), 0).UTC() }
	return civil(f.highest[0]), civil(f.highest[len(f.highest)-1])
}

// set says that the minutes from one to another index of a face are open, or not.
func (o *oracle) set(from, to int, open bool) {
	for i := max(0, from-margin); i < min(len(o.open), to-margin); i++ {
		o.open[i] = open
	}
}

// add opens the minutes of a part: for each start that cron finds on the wall clock
// from the first real minute that shows it, or more, to the first that does so for
// its end.
func (o *oracle) add(p part) {
	o.tb.Helper()
	f := o.face(p.zone)
	for _, span := range started(p.cron, p.length)(o.tb, f) {
		o.set(sort.SearchInts(f.highest, minute(span[0])), sort.SearchInts(f.highest, minute(span[1])), true)
	}
}

// remove closes the minutes of a blackout: for each span from the first real minute
// that shows its beginning, or more, to the last that shows less than its end.
func (o *oracle) remove(b blackout) {
	o.tb.Helper()
	f := o.face(b.zone)
	for _, span := range b.spans(o.tb, f) {
		o.set(sort.SearchInts(f.highest, minute(span[0])), sort.SearchInts(f.lowest, minute(span[1])), false)
	}
}

// spans returns spans of civil time that lie on a face or before it.
type spans func(tb testing.TB, f face) [][2]time.Time

// started are the spans that begin when a cron expression says.
func started(expr string, length time.Duration) spans {
	return func(tb testing.TB, f face) (spans [][2]time.Time) {
		tb.Helper()
		schedule, err := cron.ParseStandard("TZ=UTC " + expr)
		if err != nil {
			tb.Fatal(err)
		}
		first, last := f.days()
		for at := schedule.Next(first); at.Before(last); at = schedule.Next(at) {
			spans = append(spans, [2]time.Time{at, at.Add(length)})
		}
		return spans
	}
}

// on are the days for which a predicate is true.
func on(is func(date time.Time) bool) spans {
	return func(_ testing.TB, f face) (spans [][2]time.Time) {
		first, last := f.days()
		for d := first.Truncate(24 * time.Hour); d.Before(last); d = d.AddDate(0, 0, 1) {
			if is(d) {
				spans = append(spans, [2]time.Time{d, d.AddDate(0, 0, 1)})
			}
		}
		return spans
	}
}

// once is the only span, with ends such as 2026-03-29T02:15.
func once(from, to string) spans {
	return func(tb testing.TB, _ face) [][2]time.Time {
		tb.Helper()
		var ends [2]time.Time
		for i, text := range []string{from, to} {
			var err error
			if ends[i], err = time.Parse("2006-01-02T15:04", text); err != nil {
				tb.Fatal(err)
			}
		}
		return [][2]time.Time{ends}
	}
}

// stretches are the stretches of open minutes, as text.
func (o *oracle) stretches() (texts []string) {
	for i := 0; i < len(o.open); i++ {
		if !o.open[i] {
			continue
		}
		began := i
		for i < len(o.open) && o.open[i] {
			i++
		}
		texts = append(texts, stretch(o.at(began), o.at(i)))
	}
	return texts
}

func stretch(opens, closes time.Time) string {
	return fmt.Sprintf("%s to %s", opens.UTC().Format(time.RFC3339), closes.UTC().Format(time.RFC3339))
}
