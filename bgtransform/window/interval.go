package window

import (
	"math/bits"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	day = 24 * time.Hour

	// maxSteps bounds how many starts reach joins. A weekend of an interval that
	// starts every minute has 2880; each step costs some 50 ns.
	maxSteps = 1 << 14

	// maxSkipped bounds how many times in a row opens passes over starts that fall
	// into a skipped hour together with their end. Clocks change twice a year at most.
	maxSkipped = 64
)

// interval is a part of a window or of an exception: it starts when the schedule says and is open
// for length. All of its arithmetic is on wall-clock times that are labelled as
// UTC ("civil" times), where every day has 24 hours; clock and instant translate.
type interval struct {
	text   string // the cron expression, with single spaces
	starts *cron.SpecSchedule
	length time.Duration
	zone   *time.Location

	// always says that the interval starts again each day before it ends.
	always bool
}

func (v *interval) endless() bool { return v.always }

// contains reports whether the interval is open at t.
func (v *interval) contains(t time.Time) bool {
	c := clock(t, v.zone)
	_, open := v.latest(c, c)
	return open
}

// closes returns the instant at which the interval, open at t, closes, joined
// with its following starts; t itself if it is not open. The result ok is false
// if it does not close within the horizon.
func (v *interval) closes(t time.Time) (at time.Time, ok bool) {
	if v.always {
		return time.Time{}, false
	}
	from := clock(t, v.zone)
	end, ok := v.reach(from, from.Add(horizon))
	if !ok || end.Equal(from) {
		return t, ok
	}
	return instant(end, v.zone), true
}

// opens returns the first instant after t at which the interval starts.
func (v *interval) opens(t time.Time) (at time.Time, ok bool) {
	after := clock(t, v.zone)
	for range maxSkipped {
		start := v.next(after)
		if start.IsZero() {
			return time.Time{}, false
		}
		at = instant(start, v.zone)
		if at.Before(instant(start.Add(v.length), v.zone)) {
			return at, true
		}
		// The clock jumped over the whole interval: go on with the first start
		// whose end lies behind the jump.
		after = clock(at, v.zone).Add(-v.length)
	}
	return time.Time{}, false
}

// next returns the first start after the civil time c, or the zero time if there
// is none.
func (v *interval) next(c time.Time) time.Time {
	start := v.starts.Next(c)
	if start.IsZero() {
		// The schedule looks five years ahead, but 29 February can be eight years
		// away: look once more from the end of the years it has seen.
		start = v.starts.Next(time.Date(c.Year()+5, time.December, 31, 23, 59, 59, 0, time.UTC))
	}
	return start
}

// latest returns the last start at or before the civil time c, and whether the
// interval that begins there is still open at from, which is not after c.
func (v *interval) latest(from, c time.Time) (start time.Time, open bool) {
	last := from.Add(-v.length)
	minute := 60*c.Hour() + c.Minute()
	for date := c.Truncate(day); date.Add(day).After(last); date = date.Add(-day) {
		if m, ok := v.lastMinute(date, minute); ok {
			start = date.Add(time.Duration(m) * time.Minute)
			return start, start.After(last)
		}
		minute = 24*60 - 1
	}
	return time.Time{}, false
}

// lastMinute returns the last minute of the day date, limit or earlier, at which
// the interval starts.
func (v *interval) lastMinute(date time.Time, limit int) (minute int, ok bool) {
	if !v.startsOn(date) {
		return 0, false
	}
	hour := limit / 60
	if v.starts.Hour&(1<<hour) != 0 {
		if m := highest(v.starts.Minute, limit%60); m >= 0 {
			return 60*hour + m, true
		}
	}
	hour = highest(v.starts.Hour, hour-1)
	return 60*hour + highest(v.starts.Minute, 59), hour >= 0
}

// startsOn reports whether the interval starts on the day date, by cron's rule
// that day of the month and weekday are alternatives if neither is a star.
func (v *interval) startsOn(date time.Time) bool {
	const star = 1 << 63 // set by the parser if the field is a star
	s := v.starts
	if s.Month&(1<<date.Month()) == 0 {
		return false
	}
	dom, dow := s.Dom&(1<<date.Day()) != 0, s.Dow&(1<<date.Weekday()) != 0
	if (s.Dom|s.Dow)&star != 0 {
		return dom && dow
	}
	return dom || dow
}

// highest returns the highest bit of set that is at most limit, or -1.
func highest(set uint64, limit int) int {
	return bits.Len64(set&(1<<(limit+1)-1)) - 1
}

// reach returns the civil time at which the interval closes if it is open at c,
// joined with the starts that follow, else c. The result ok is false if that is
// not before limit.
func (v *interval) reach(c, limit time.Time) (end time.Time, ok bool) {
	end = c
	for range maxSteps {
		start, open := v.latest(end, end)
		if !open {
			return end, true
		}
		end = start.Add(v.length)
		if !end.Before(limit) {
			return end, false
		}
	}
	return end, false
}

// isEndless reports whether the interval starts every day and, from one day to
// the same time of the next, never closes.
func (v *interval) isEndless() bool {
	const (
		allDays     = 1<<32 - 1<<1
		allMonths   = 1<<13 - 1<<1
		allWeekdays = 1<<7 - 1
	)
	s := v.starts
	if s.Dom&allDays != allDays || s.Month&allMonths != allMonths || s.Dow&allWeekdays != allWeekdays {
		return false
	}
	start := v.next(time.Unix(0, 0).UTC())
	_, closes := v.reach(start, start.Add(day+v.length))
	return !closes
}
