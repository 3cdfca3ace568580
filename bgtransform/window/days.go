package window

import (
	"strconv"
	"strings"
	"time"
)

// dates is one span: from one civil time up to another.
type dates struct {
	text     string
	from, to time.Time
}

func (d dates) until(from, c time.Time) (end time.Time, ok bool) {
	return d.to, !d.from.After(c) && d.to.After(from)
}

func (d dates) after(c time.Time) (start time.Time, ok bool) { return d.from, d.from.After(c) }

func (d dates) span() string { return d.text }

// monthDay is a date without a year.
type monthDay struct {
	month time.Month
	day   int
}

// less reports whether d comes before other in a year.
func (d monthDay) less(other monthDay) bool {
	return d.month < other.month || d.month == other.month && d.day < other.day
}

// begin returns where d begins in year. 29 February begins, in a common year, where
// 1 March does.
func (d monthDay) begin(year int) time.Time { return civilDate(year, d.month, d.day) }

// end returns where d ends in year: at its next midnight. 29 February ends, in a
// common year, where 28 February does.
func (d monthDay) end(year int) time.Time {
	end, month := d.begin(year).Add(day), civilDate(year, d.month+1, 1)
	if end.After(month) {
		return month
	}
	return end
}

// yearly is a span of days that comes once a year. It lasts into the next year if
// its last day comes before its first.
type yearly struct {
	text        string
	first, last monthDay
}

// of returns the span that begins in year; it is empty for 29 February alone in a
// common year.
func (y yearly) of(year int) (start, end time.Time) {
	start, end = y.first.begin(year), y.last.end(year)
	if y.last.less(y.first) {
		end = y.last.end(year + 1)
	}
	return start, end
}

func (y yearly) until(from, c time.Time) (end time.Time, ok bool) {
	for _, year := range [2]int{c.Year(), c.Year() - 1} {
		if start, end := y.of(year); !start.After(c) && end.After(start) && end.After(from) {
			return end, true
		}
	}
	return time.Time{}, false
}

func (y yearly) after(c time.Time) (start time.Time, ok bool) {
	const longest = 8 // years between two leap years, such as 2096 and 2104
	for year := c.Year(); year <= c.Year()+longest; year++ {
		if start, end := y.of(year); start.After(c) && end.After(start) {
			return start, true
		}
	}
	return time.Time{}, false
}

func (y yearly) span() string { return y.text }

// weekly is a set of weekdays, each a bit.
type weekly struct {
	text string
	days uint8
}

func (w weekly) has(date time.Time) bool { return w.days&(1<<date.Weekday()) != 0 }

func (w weekly) until(from, c time.Time) (end time.Time, ok bool) {
	for date := c.Truncate(day); date.Add(day).After(from); date = date.Add(-day) {
		if w.has(date) {
			return date.Add(day), true
		}
	}
	return time.Time{}, false
}

func (w weekly) after(c time.Time) (start time.Time, ok bool) {
	date := c.Truncate(day).Add(day)
	for !w.has(date) {
		date = date.Add(day)
	}
	return date, true
}

func (w weekly) span() string { return w.text }

// monthly is a number of days at the beginning or the end of each month, or the
// one that is a given weekday for the n-th time.
type monthly struct {
	n       int // counted from the end if less than 0
	nth     bool
	weekday time.Weekday // of the day, if nth
}

// of returns the span in a month of a year.
func (m monthly) of(year int, month time.Month) (start, end time.Time) {
	first, next := civilDate(year, month, 1), civilDate(year, month+1, 1)
	switch {
	case m.nth && m.n > 0:
		ahead := (m.weekday - first.Weekday() + 7) % 7
		start = first.AddDate(0, 0, int(ahead)+7*(m.n-1))
		return start, start.Add(day)
	case m.nth:
		back := (next.Weekday() - m.weekday + 6) % 7
		start = next.AddDate(0, 0, -1-int(back))
		return start, start.Add(day)
	case m.n > 0:
		return first, first.AddDate(0, 0, m.n)
	default:
		return next.AddDate(0, 0, m.n), next
	}
}

func (m monthly) until(from, c time.Time) (end time.Time, ok bool) {
	for _, month := range [2]time.Month{c.Month(), c.Month() - 1} {
		if start, end := m.of(c.Year(), month); !start.After(c) && end.After(from) {
			return end, true
		}
	}
	return time.Time{}, false
}

func (m monthly) after(c time.Time) (start time.Time, ok bool) {
	if start, _ = m.of(c.Year(), c.Month()); !start.After(c) {
		start, _ = m.of(c.Year(), c.Month()+1)
	}
	return start, true
}

func (m monthly) span() string {
	which := "last"
	if m.n > 0 {
		which = ordinals()[0]
	}
	switch {
	case m.nth && m.n > 0:
		return ordinals()[m.n-1] + " " + weekdayName(m.weekday) + " of month"
	case m.nth:
		return which + " " + weekdayName(m.weekday) + " of month"
	case m.n*m.n == 1:
		return which + " day of month"
	default:
		return which + " " + strconv.Itoa(max(m.n, -m.n)) + " days of month"
	}
}

// ordinals are the words for how often a weekday comes in every month.
func ordinals() [4]string { return [4]string{"first", "second", "third", "fourth"} }

func weekdayName(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

// civilDate returns the midnight with which a day begins.
func civilDate(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
