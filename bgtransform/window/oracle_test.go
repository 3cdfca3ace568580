package window_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// part is one interval as the properties draw it.
type part struct {
	cron   string
	length time.Duration
	zone   string
}

func (p part) String() string { return fmt.Sprintf("%s for %v in %s", p.cron, p.length, p.zone) }

// drawWindow draws the parts of a window whose length has minutes.
func drawWindow(t *rapid.T) (parts []part, text string) {
	parts = rapid.SliceOfN(rapid.Custom(drawPart), 1, 3).Draw(t, "parts")
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.String()
	}
	return parts, strings.Join(texts, "; ")
}

func drawPart(t *rapid.T) part {
	minute := rapid.SampledFrom([]string{"0", "15", "30", "45", "59", "*/20", "10-12", "*"}).Draw(t, "minute")
	hour := rapid.SampledFrom([]string{"0", "1", "2", "3", "22", "23", "1-3", "*/6", "*"}).Draw(t, "hour")
	days := rapid.SampledFrom([]string{"* * *", "* * sun", "* * 1-5", "29 * *", "1-7 * sat", "*/2 * *", "* 3,4 *"}).Draw(t, "days")
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC"}
	length := rapid.OneOf(rapid.IntRange(1, 90), rapid.IntRange(1, 12*60), rapid.IntRange(1, 7*24*60)).Draw(t, "length")
	return part{minute + " " + hour + " " + days, time.Duration(length) * time.Minute, rapid.SampledFrom(zones).Draw(t, "zone")}
}

// changes are days around which some zone of drawPart changes its clocks, and the
// turns of an ordinary and a leap year, the latter in years without a list of changes.
func changes() []time.Time {
	days := make([]time.Time, 0, 11)
	for _, d := range []string{
		"2026-03-08", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-04", "2026-10-25", "2026-11-01", "2027-01-01",
		"2040-12-31", "2041-03-31", "2041-10-27",
	} {
		day, _ := time.Parse(time.DateOnly, d)
		days = append(days, day)
	}
	return days
}

// oracle says by brute force for each minute since from whether p is open: for
// each start that cron finds on the wall clock it looks for the first real minute
// that shows it, or is later, and for the same of its end.
func oracle(tb testing.TB, p part, from time.Time, open []bool) {
	tb.Helper()
	schedule, err := cron.ParseStandard("TZ=UTC " + p.cron)
	if err != nil {
		tb.Fatal(err)
	}
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		tb.Fatal(err)
	}
	const margin = 9 * 24 * 60 // minutes before from in which an interval may start that is open later
	shown := make([]time.Time, margin+len(open))
	for i := range shown {
		local := from.Add(time.Duration(i-margin) * time.Minute).In(zone)
		shown[i] = time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
	}
	// first returns the first real minute at which the clock shows c or later. It
	// starts to look 90 minutes early, as no zone here shifts by more.
	first := func(c time.Time) int {
		i := min(max(0, int(c.Sub(shown[0])/time.Minute)-90), len(shown))
		for i < len(shown) && shown[i].Before(c) {
			i++
		}
		return i
	}
	opens := make([]int, len(shown)+1) // how many intervals open, less those that close
	last := shown[len(shown)-1]
	for start := schedule.Next(shown[0].Add(24 * time.Hour)); !start.After(last); start = schedule.Next(start) {
		opens[first(start)]++
		opens[first(start.Add(p.length))]--
	}
	for i, n := 0, 0; i < len(shown); i++ {
		n += opens[i]
		if i >= margin && n > 0 {
			open[i-margin] = true
		}
	}
}

func TestWindowEqualsOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		parts, text := drawWindow(rt)
		w := window.MustParse(text)
		from := rapid.SampledFrom(changes()).Draw(rt, "change").Add(-5 * 24 * time.Hour)
		open := make([]bool, 10*24*60)
		for _, p := range parts {
			oracle(t, p, from, open)
		}
		next, closes := len(open), len(open) // the next open, closed minute
		for i, isOpen := range slices.Backward(open) {
			now := from.Add(time.Duration(i) * time.Minute)
			if got := w.Contains(now); got != isOpen {
				rt.Fatalf("%v: Contains(%v) = %v, want %v", w, now, got, isOpen)
			}
			if isOpen {
				next = i
				checkMinute(rt, w, "Closes", now, w.Closes, from, closes, len(open))
			} else {
				closes = i
				checkMinute(rt, w, "Next", now, w.Next, from, next, len(open))
			}
		}
	})
}

// checkMinute checks that call returns the minute want since from, or something
// later than the minutes that the oracle knows.
func checkMinute(
	rt *rapid.T, w window.Window, name string, now time.Time, call func(time.Time) (time.Time, bool),
	from time.Time, want, known int,
) {
	// The oracle knows each minute; each tenth is enough for the costly questions.
	if now.Minute()%10 != 7 && now.Sub(from) > time.Minute {
		return
	}
	got, ok := call(now)
	minute := from.Add(time.Duration(want) * time.Minute)
	switch {
	case want < known && (!ok || !got.Equal(minute)):
		rt.Fatalf("%v: %s(%v) = %v, %v, want %v", w, name, now, got, ok, minute)
	case want == known && ok && got.Before(minute):
		rt.Fatalf("%v: %s(%v) = %v, want %v or later", w, name, now, got, minute)
	}
}

func TestContainsClosesNextAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		_, text := drawWindow(rt)
		w := window.MustParse(text)
		offset := rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(rt, "offset")
		now := rapid.SampledFrom(changes()).Draw(rt, "change").Add(time.Duration(offset))
		next, ok := w.Next(now)
		if open := ok && next.Equal(now); open != w.Contains(now) {
			rt.Fatalf("%v: Next(%v) = %v, %v, but Contains = %v", w, now, next, ok, !open)
		}
		if ok && (next.Before(now) || !w.Contains(next)) {
			rt.Fatalf("%v: Next(%v) = %v, which is past or closed", w, now, next)
		}
		if ok && next.After(now) && w.Contains(next.Add(-1)) {
			rt.Fatalf("%v: Next(%v) = %v, but is open just before", w, now, next)
		}
		end, ok := w.Closes(next)
		if ok && (!end.After(next) || w.Contains(end) || !w.Contains(end.Add(-1))) {
			rt.Fatalf("%v: Closes(%v) = %v, which is not where it closes", w, next, end)
		}
	})
}

func TestWindowIsOpenOnTheWallClockOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPart(rt)
		w := window.MustParse(p.String())
		schedule, _ := cron.ParseStandard("TZ=UTC " + p.cron)
		zone, _ := time.LoadLocation(p.zone)
		minute := rapid.IntRange(-48*60, 48*60).Draw(rt, "minute")
		now := rapid.SampledFrom(changes()).Draw(rt, "change").Add(time.Duration(minute) * time.Minute).In(zone)
		shown := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), 0, 0, time.UTC)
		within := !schedule.Next(shown.Add(-p.length)).After(shown)
		before := now.Add(-time.Hour)
		_, offset := now.Zone()
		_, offsetBefore := before.Zone()
		// Only around a repeated hour may the two differ.
		if repeated := offsetBefore > offset; !repeated && within != w.Contains(now) {
			rt.Fatalf("%v: Contains(%v) = %v, but on the wall clock %v", w, now, !within, within)
		}
	})
}
