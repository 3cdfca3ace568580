package window_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// blackout is one exception as the properties draw it.
type blackout struct {
	text  string
	zone  string
	spans spans // the same, said in another way
}

func (b blackout) String() string { return "except " + b.text + " in " + b.zone }

func drawBlackout(t *rapid.T) blackout {
	b := rapid.SampledFrom(blackouts()).Draw(t, "blackout")
	b.zone = rapid.SampledFrom(zones()).Draw(t, "zone of the blackout")
	return b
}

func blackouts() []blackout {
	between := func(first, last string) spans {
		return on(func(d time.Time) bool {
			at := d.Format("01-02")
			if last < first {
				return at >= first || at <= last
			}
			return at >= first && at <= last
		})
	}
	return []blackout{
		{text: "sun", spans: on(func(d time.Time) bool { return d.Weekday() == time.Sunday })},
		{text: "fri..mon, wed", spans: on(func(d time.Time) bool { return d.Weekday() != time.Tuesday && d.Weekday() != time.Thursday })},
		{text: "12-24..01-01", spans: between("12-24", "01-01")},
		{text: "03-29, 10-25", spans: on(func(d time.Time) bool { return slices.Contains([]string{"03-29", "10-25"}, d.Format("01-02")) })},
		{text: "02-29..03-08", spans: between("02-29", "03-08")},
		{text: "2026-03-08..2026-03-29", spans: on(func(d time.Time) bool {
			at := d.Format(time.DateOnly)
			return at >= "2026-03-08" && at <= "2026-03-29"
		})},
		{text: "2026-10-25", spans: on(func(d time.Time) bool { return d.Format(time.DateOnly) == "2026-10-25" })},
		{text: "last 2 days of month", spans: on(func(d time.Time) bool { return d.AddDate(0, 0, 2).Month() != d.Month() })},
		{text: "first 3 days of month", spans: on(func(d time.Time) bool { return d.Day() <= 3 })},
		{text: "last sun of month", spans: on(func(d time.Time) bool {
			return d.Weekday() == time.Sunday && d.AddDate(0, 0, 7).Month() != d.Month()
		})},
		{text: "second sun of month", spans: on(func(d time.Time) bool { return d.Weekday() == time.Sunday && (d.Day()-1)/7 == 1 })},
		{text: "2026-03-29T02:15..2026-03-29T02:45", spans: once("2026-03-29T02:15", "2026-03-29T02:45")},
		{text: "2026-03-20T18:00..2026-10-25T02:30", spans: once("2026-03-20T18:00", "2026-10-25T02:30")},
		{text: "30 1 * * * for 1h", spans: started("30 1 * * *", time.Hour)},
		{text: "*/10 2 * * * for 5m", spans: started("*/10 2 * * *", 5*time.Minute)},
		{text: "0 12 * * 5 for 3d", spans: started("0 12 * * 5", 72*time.Hour)},
	}
}
