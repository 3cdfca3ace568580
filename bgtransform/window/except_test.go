package window_test

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// nights is the window of most tests here.
const nights = "0 22 * * * for 8h in Europe/Berlin; "

// TestExceptions has one row per kind of exception, and per way in which one can
// meet an interval. 2026-12-24 is a Thursday.
func TestExceptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		window, when string
		closes       string // expected open until then
		next         string // expected closed until then ("-" for ever)
	}{
		"the night before ends at midnight":   {window: nights + "except 2026-12-24", when: "2026-12-23 23:00 +0100", closes: "2026-12-24 00:00 +0100"},
		"so does the night that begins there": {window: nights + "except 2026-12-24", when: "2026-12-24 23:00 +0100", next: "2026-12-25 00:00 +0100"},
		"and ends as it would":                {window: nights + "except 2026-12-24", when: "2026-12-25 00:00 +0100", closes: "2026-12-25 06:00 +0100"},
		"the last date of a range counts":     {window: nights + "except 2026-12-24..2027-01-02", when: "2026-12-24 00:00 +0100", next: "2027-01-03 00:00 +0100"},
		"instants":                            {window: nights + "except 2026-12-24T12:00..2026-12-25T12:00", when: "2026-12-24 13:00 +0100", next: "2026-12-25 22:00 +0100"},
		"instants are half-open":              {window: nights + "except 2026-12-24T23:00..2026-12-25T01:00", when: "2026-12-25 00:59 +0100", next: "2026-12-25 01:00 +0100"},
		"each year":                           {window: nights + "except 12-24", when: "2031-12-24 00:00 +0100", next: "2031-12-25 00:00 +0100"},
		"each year, over its end":             {window: nights + "except 12-24..01-01", when: "2027-01-01 03:00 +0100", next: "2027-01-02 00:00 +0100"},
		"each year, within":                   {window: nights + "except 06-01..06-30", when: "2027-05-31 23:00 +0200", closes: "2027-06-01 00:00 +0200"},
		"29 February of a leap year":          {window: nights + "except 02-29", when: "2028-02-29 01:00 +0100", next: "2028-03-01 00:00 +0100"},
		"29 February of a common year":        {window: nights + "except 02-29", when: "2026-02-28 23:00 +0100", closes: "2026-03-01 06:00 +0100"},
		"from 29 February of a common year":   {window: nights + "except 02-29..03-02", when: "2026-02-28 23:00 +0100", closes: "2026-03-01 00:00 +0100"},
		"until 29 February of a common year":  {window: nights + "except 02-27..02-29", when: "2026-02-27 23:00 +0100", next: "2026-03-01 00:00 +0100"},
		"the next one is eight years away":    {window: "always; except 02-29", when: "2103-06-01 00:00 +0000", closes: "2104-02-29 00:00 +0000"},
		"weekday":                             {window: nights + "except thu", when: "2026-12-24 23:00 +0100", next: "2026-12-25 00:00 +0100"},
		"weekdays around the week":            {window: nights + "except fri..mon", when: "2026-12-25 00:00 +0100", next: "2026-12-29 00:00 +0100"},
		"last days of a short month":          {window: nights + "except last 2 days of month", when: "2026-02-26 23:00 +0100", closes: "2026-02-27 00:00 +0100"},
		"last days of a leap month":           {window: nights + "except last 2 days of month", when: "2028-02-27 23:00 +0100", closes: "2028-02-28 00:00 +0100"},
		"last days end with the month":        {window: nights + "except last 2 days of month", when: "2026-12-30 23:00 +0100", next: "2027-01-01 00:00 +0100"},
		"last day":                            {window: nights + "except last day of month", when: "2026-12-30 23:00 +0100", closes: "2026-12-31 00:00 +0100"},
		"first days":                          {window: nights + "except first 3 days of month", when: "2027-01-01 00:00 +0100", next: "2027-01-04 00:00 +0100"},
		"second tuesday":                      {window: nights + "except second tue of month", when: "2026-12-07 23:00 +0100", closes: "2026-12-08 00:00 +0100"},
		"first tuesday is the first day":      {window: nights + "except first tue of month", when: "2026-12-01 01:00 +0100", next: "2026-12-02 00:00 +0100"},
		"last thursday is the last day":       {window: nights + "except last thu of month", when: "2026-12-31 01:00 +0100", next: "2027-01-01 00:00 +0100"},
		"last friday":                         {window: nights + "except last fri of month", when: "2026-12-24 23:00 +0100", closes: "2026-12-25 00:00 +0100"},
		"list":                                {window: nights + "except 12-24, 12-26, sun", when: "2026-12-26 01:00 +0100", next: "2026-12-28 00:00 +0100"},
		"interval":                            {window: nights + "except 0 1 * * * for 90m", when: "2026-12-24 00:00 +0100", closes: "2026-12-24 01:00 +0100"},
		"interval, until it ends":             {window: nights + "except 0 1 * * * for 90m", when: "2026-12-24 01:00 +0100", next: "2026-12-24 02:30 +0100"},
		"interval longer than its period":     {window: "always; except 0 0 * * 1-4 for 2d", when: "2026-12-21 00:00 +0000", next: "2026-12-26 00:00 +0000"},
		"of the zone that is named":           {window: "0 22 * * * for 8h in Europe/Berlin; except 12-24 in America/New_York", when: "2026-12-24 05:59 +0100", closes: "2026-12-24 06:00 +0100"},
		"of the zone that is named, later":    {window: "0 22 * * * for 8h in Europe/Berlin; except 12-24 in America/New_York", when: "2026-12-24 22:00 +0100", next: "2026-12-25 22:00 +0100"},
		"takes away from all parts":           {window: "0 22 * * * for 8h; except 12-24; 0 12 24 12 * for 1h", when: "2026-12-24 12:30 +0000", next: "2026-12-25 00:00 +0000"},
		"two that touch are one":              {window: "always; except 12-24; except 2026-12-25..2026-12-26", when: "2026-12-24 12:00 +0000", next: "2026-12-27 00:00 +0000"},
		"decades in one step":                 {window: nights + "except 2026-01-01..2199-12-31", when: "2026-12-24 12:00 +0100", next: "2200-01-01 00:00 +0100"},
		"past":                                {window: nights + "except 2020-01-01..2020-12-31", when: "2026-12-23 23:00 +0100", closes: "2026-12-24 06:00 +0100"},
		"every weekday":                       {window: nights + "except sun..sat", when: "2026-12-23 23:00 +0100", next: "-"},
		"every day of the year":               {window: nights + "except 01-01..02-28, 02-29..12-31", when: "2026-12-23 23:00 +0100", next: "-"},
		"each interval":                       {window: "* * * * * for 10s; except * * * * * for 20s", when: "2026-12-23 23:00 +0000", next: "-"},
		"each minute":                         {window: "always; except * * * * * for 1m", when: "2026-12-23 23:00 +0000", next: "-"},
		"of never":                            {window: "never; except sun", when: "2026-12-23 23:00 +0000", next: "-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := window.MustParse(tt.window)
			switch {
			case tt.closes != "":
				checkOpen(t, w, at(t, tt.when), tt.closes)
			case tt.next == "-":
				checkClosed(t, w, at(t, tt.when), "")
			default:
				checkClosed(t, w, at(t, tt.when), tt.next)
			}
		})
	}
}

// TestExceptionsAndClockChanges has one row per way in which an exception can meet a
// change of the clocks: when the window that is open otherwise must close and open.
func TestExceptionsAndClockChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ except, closes, opens string }{
		// Berlin goes from 02:00 +01 to 03:00 +02 on 2026-03-29, and from 03:00 +02 to 02:00 +01 on 2026-10-25.
		"Berlin spring, the day":            {"2026-03-29 in Europe/Berlin", "2026-03-29 00:00 +0100", "2026-03-30 00:00 +0200"},
		"Berlin spring, begins in gap":      {"2026-03-29T02:30..2026-03-29T04:00 in Europe/Berlin", "2026-03-29 03:00 +0200", "2026-03-29 04:00 +0200"},
		"Berlin spring, ends in gap":        {"2026-03-29T01:00..2026-03-29T02:30 in Europe/Berlin", "2026-03-29 01:00 +0100", "2026-03-29 03:00 +0200"},
		"Berlin spring, within gap":         {"10 2 29 3 * for 30m in Europe/Berlin", "2027-03-29 02:10 +0200", "2027-03-29 02:40 +0200"},
		"Berlin spring, many in gap":        {"* 2 29 3 * for 1m in Europe/Berlin", "2027-03-29 02:00 +0200", "2027-03-29 03:00 +0200"},
		"Berlin autumn, the day":            {"2026-10-25 in Europe/Berlin", "2026-10-25 00:00 +0200", "2026-10-26 00:00 +0100"},
		"Berlin autumn, begins in repeat":   {"2026-10-25T02:30..2026-10-25T04:00 in Europe/Berlin", "2026-10-25 02:30 +0200", "2026-10-25 04:00 +0100"},
		"Berlin autumn, ends in repeat":     {"2026-10-25T01:00..2026-10-25T02:30 in Europe/Berlin", "2026-10-25 01:00 +0200", "2026-10-25 02:30 +0100"},
		"Berlin autumn, within repeat":      {"2026-10-25T02:10..2026-10-25T02:40 in Europe/Berlin", "2026-10-25 02:10 +0200", "2026-10-25 02:40 +0100"},
		"Berlin autumn, ends at repeat":     {"2026-10-25T01:00..2026-10-25T02:00 in Europe/Berlin", "2026-10-25 01:00 +0200", "2026-10-25 02:00 +0200"},
		"New York spring, the day":          {"2026-03-08 in America/New_York", "2026-03-08 00:00 -0500", "2026-03-09 00:00 -0400"},
		"New York autumn, ends in repeat":   {"2026-11-01T00:30..2026-11-01T01:15 in America/New_York", "2026-11-01 00:30 -0400", "2026-11-01 01:15 -0500"},
		"Lord Howe spring, begins in gap":   {"2026-10-04T02:15..2026-10-04T03:00 in Australia/Lord_Howe", "2026-10-04 02:30 +1100", "2026-10-04 03:00 +1100"},
		"Lord Howe autumn, ends in repeat":  {"2026-04-05T01:00..2026-04-05T01:45 in Australia/Lord_Howe", "2026-04-05 01:00 +1100", "2026-04-05 01:45 +1030"},
		"Casablanca, Ramadan begins":        {"2026-02-15T02:15..2026-02-15T02:45 in Africa/Casablanca", "2026-02-15 02:15 +0100", "2026-02-15 02:45 +0000"},
		"Casablanca, Ramadan ends":          {"2026-03-22T02:15..2026-03-22T04:00 in Africa/Casablanca", "2026-03-22 03:00 +0100", "2026-03-22 04:00 +0100"},
		"Kolkata never changes":             {"2026-03-29 in Asia/Kolkata", "2026-03-29 00:00 +0530", "2026-03-30 00:00 +0530"},
		"Santiago spring, its day is short": {"2026-09-06 in America/Santiago", "2026-09-06 01:00 -0300", "2026-09-07 00:00 -0300"},
		"Santiago autumn, its day is long":  {"2026-04-04 in America/Santiago", "2026-04-04 00:00 -0300", "2026-04-05 00:00 -0400"},
		// St. John's went from 00:01 -02:30 back to 23:01 of the day before.
		"St. John's, the day that ends twice":    {"2010-11-06 in America/St_Johns", "2010-11-06 00:00 -0230", "2010-11-07 00:00 -0330"},
		"St. John's, the day that begins twice":  {"2010-11-07 in America/St_Johns", "2010-11-07 00:00 -0230", "2010-11-08 00:00 -0330"},
		"Samoa, the day that was skipped":        {"30 12 30 * * for 1h in Pacific/Apia", "2012-01-30 12:30 +1400", "2012-01-30 13:30 +1400"},
		"Samoa, days around the one skipped":     {"2011-12-29..2011-12-30 in Pacific/Apia", "2011-12-29 00:00 -1000", "2011-12-31 00:00 +1400"},
		"Samoa, begins in the day that was none": {"2011-12-30..2011-12-31 in Pacific/Apia", "2011-12-31 00:00 +1400", "2012-01-01 00:00 +1400"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := window.MustParse("always; except " + tt.except)
			closes, opens := at(t, tt.closes), at(t, tt.opens)
			checkOpen(t, w, closes.Add(-1), tt.closes)
			checkClosed(t, w, closes, tt.opens)
			checkClosed(t, w, opens.Add(-1), tt.opens)
			if !w.Contains(opens) {
				t.Errorf("%v does not contain %v", w, opens)
			}
		})
	}
}

func TestExceptionOfTheSkippedHourIsNone(t *testing.T) {
	t.Parallel()
	w := window.MustParse("0 0 * * * for 6h in Europe/Berlin; except 0 2 * * * for 1h")
	checkOpen(t, w, at(t, "2026-03-29 00:00 +0100"), "2026-03-29 06:00 +0200")
	checkOpen(t, w, at(t, "2026-03-30 00:00 +0200"), "2026-03-30 02:00 +0200")
}

func TestExceptionMakesAlwaysLimited(t *testing.T) {
	t.Parallel()
	w := window.MustParse("always; except 2026-12-24")
	if w.IsAlways() || w.IsZero() {
		t.Errorf("IsAlways() = %v, IsZero() = %v, want neither", w.IsAlways(), w.IsZero())
	}
	checkOpen(t, w, at(t, "2026-12-01 00:00 +0000"), "2026-12-24 00:00 +0000")
	checkOpen(t, w, at(t, "2025-12-01 00:00 +0000"), "") // it counts as one that does not close
	checkOpen(t, w, at(t, "2026-12-25 00:00 +0000"), "")
}

// However much exceptions leave of a window, no question about it runs long.
func TestQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	list := "sun"
	for range 150 {
		list += ",sun"
	}
	for _, text := range []string{
		"* * * * * for 10s; except * * * * * for 20s",
		"always; except sun..sat",
		"@daily for 1h; except " + list + ",mon..sat",
		"every 1s for 500ms; except sun..sat",
		"* * 1-30 * * for 59s; except 0 0 1-30 * * for 1d",
	} {
		w := window.MustParse(text)
		began := time.Now()
		w.Next(at(t, "2026-12-24 00:00 +0000"))
		w.Closes(at(t, "2026-12-24 00:00 +0000"))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%q took %v", text, took)
		}
	}
}
