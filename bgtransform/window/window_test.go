package window_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests, wherever they run

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// at parses a time such as "2026-03-29 01:59 +0100".
func at(tb testing.TB, text string) time.Time {
	tb.Helper()
	t, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// checkClosed checks that w is closed at t and opens at next, or never if empty.
func checkClosed(t *testing.T, w window.Window, when time.Time, next string) {
	t.Helper()
	if w.Contains(when) {
		t.Errorf("%v contains %v, want closed", w, when)
	}
	if got, ok := w.Closes(when); ok {
		t.Errorf("%v: Closes(%v) = %v, want none while closed", w, when, got)
	}
	checkInstant(t, w, "Next", when, w.Next, next)
}

// checkOpen checks that w is open at t and closes at end, or never if empty.
func checkOpen(t *testing.T, w window.Window, when time.Time, end string) {
	t.Helper()
	if !w.Contains(when) {
		t.Errorf("%v does not contain %v, want open", w, when)
	}
	if got, ok := w.Next(when); !ok || !got.Equal(when) {
		t.Errorf("%v: Next(%v) = %v, %v, want the same while open", w, when, got, ok)
	}
	checkInstant(t, w, "Closes", when, w.Closes, end)
}

func checkInstant(
	t *testing.T, w window.Window, name string, when time.Time, call func(time.Time) (time.Time, bool), want string,
) {
	t.Helper()
	got, ok := call(when)
	switch {
	case want == "" && ok:
		t.Errorf("%v: %s(%v) = %v, want none", w, name, when, got)
	case want != "" && (!ok || !got.Equal(at(t, want))):
		t.Errorf("%v: %s(%v) = %v, %v, want %v", w, name, when, got, ok, want)
	}
}

func TestZeroWindowIsAlwaysOpen(t *testing.T) {
	t.Parallel()
	for _, w := range []window.Window{{}, window.Always(), window.MustParse("always")} {
		checkOpen(t, w, at(t, "2026-01-01 00:00 +0000"), "")
		checkOpen(t, w, time.Time{}, "")
		if !w.IsAlways() || w.String() != "always" {
			t.Errorf("IsAlways() = %v, String() = %q, want true, always", w.IsAlways(), w)
		}
	}
}

func TestIsZeroTellsNoWindowFromAlways(t *testing.T) {
	t.Parallel()
	if !(window.Window{}).IsZero() {
		t.Error("IsZero() of the zero value = false, want true")
	}
	for _, w := range []window.Window{
		window.Always(), window.Never(), window.MustParse("always"), window.MustParse("never"), window.MustParse("@daily for 1d"),
	} {
		if w.IsZero() {
			t.Errorf("IsZero() of %v = true, want false: it was given", w)
		}
	}
}

func TestNeverIsNeverOpen(t *testing.T) {
	t.Parallel()
	for _, w := range []window.Window{window.Never(), window.MustParse("never"), window.MustParse("never; never")} {
		checkClosed(t, w, at(t, "2026-01-01 00:00 +0000"), "")
		if w.IsAlways() || w.String() != "never" {
			t.Errorf("IsAlways() = %v, String() = %q, want false, never", w.IsAlways(), w)
		}
	}
}

func TestIntervalsAreHalfOpen(t *testing.T) {
	t.Parallel()
	w := window.MustParse("0 22 * * * for 8h")
	start, end := at(t, "2026-01-01 22:00 +0000"), at(t, "2026-01-02 06:00 +0000")
	checkClosed(t, w, start.Add(-1), "2026-01-01 22:00 +0000")
	checkOpen(t, w, start, "2026-01-02 06:00 +0000")
	checkOpen(t, w, end.Add(-1), "2026-01-02 06:00 +0000")
	checkClosed(t, w, end, "2026-01-02 22:00 +0000")
}

func TestWindow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		window, when string
		closes       string // expected open until then ("-" for ever)
		next         string // expected closed until then ("-" for ever)
	}{
		"weekday names":                    {window: "0 22 * * mon-fri for 8h", when: "2026-01-03 23:00 +0000", next: "2026-01-05 22:00 +0000"},
		"friday night lasts into saturday": {window: "0 22 * * 5 for 8h", when: "2026-01-03 05:59 +0000", closes: "2026-01-03 06:00 +0000"},
		"in another zone than the time":    {window: "0 22 * * * for 8h in Asia/Kolkata", when: "2026-01-01 17:00 +0000", closes: "2026-01-02 06:00 +0530"},
		"longest interval":                 {window: "0 0 1 * * for 7d", when: "2026-01-07 23:59 +0000", closes: "2026-01-08 00:00 +0000"},
		"overlapping parts are one":        {window: "0 22 * * * for 2h; 0 23 * * * for 3h", when: "2026-01-01 22:30 +0000", closes: "2026-01-02 02:00 +0000"},
		"adjacent parts are one":           {window: "0 22 * * * for 2h; 0 0 * * * for 3h", when: "2026-01-01 22:30 +0000", closes: "2026-01-02 03:00 +0000"},
		"adjacent parts across zones":      {window: "0 22 * * * for 2h; 30 5 * * * for 1h in Asia/Kolkata", when: "2026-01-01 22:30 +0000", closes: "2026-01-02 01:00 +0000"},
		"a start within an interval":       {window: "0 22,23 * * * for 2h", when: "2026-01-01 22:30 +0000", closes: "2026-01-02 01:00 +0000"},
		"the nearest part opens":           {window: "0 4 * * * for 1h; 0 2 * * * for 1h", when: "2026-01-01 01:00 +0000", next: "2026-01-01 02:00 +0000"},
		"every minute of a weekend":        {window: "* * * * 0,6 for 1m", when: "2026-01-03 00:00 +0000", closes: "2026-01-05 00:00 +0000"},
		"summer":                           {window: "0 0 * 6-8 * for 1d", when: "2026-06-01 00:00 +0000", closes: "2026-09-01 00:00 +0000"},
		"day of month or weekday":          {window: "0 0 13 * fri for 1d", when: "2026-01-09 12:00 +0000", closes: "2026-01-10 00:00 +0000"},
		"day of month and star":            {window: "0 0 13 * * for 1d", when: "2026-01-09 12:00 +0000", next: "2026-01-13 00:00 +0000"},
		"leap day":                         {window: "0 0 29 2 * for 1h", when: "2026-01-01 00:00 +0000", next: "2028-02-29 00:00 +0000"},
		"leap day eight years away":        {window: "0 0 29 2 * for 1h", when: "2096-03-01 00:00 +0000", next: "2104-02-29 00:00 +0000"},
		"shorthand":                        {window: "@monthly for 1d", when: "2026-01-02 00:00 +0000", next: "2026-02-01 00:00 +0000"},
		"endless hours":                    {window: "0 * * * * for 1h", when: "2026-01-01 12:34 +0000", closes: "-"},
		"endless minutes":                  {window: "* * * * * for 1m", when: "2026-01-01 12:34 +0000", closes: "-"},
		"endless union":                    {window: "0 */2 * * * for 1h; 0 1-23/2 * * * for 1h", when: "2026-01-01 12:34 +0000", closes: "-"},
		"endless on all weekdays but one":  {window: "0 0 * * 0-5 for 1d", when: "2026-01-04 00:00 +0000", closes: "2026-01-10 00:00 +0000"},
		"endless by day and weekday":       {window: "0 0 1-30 * 0-5 for 2d", when: "2026-01-04 00:00 +0000", closes: "-"},
		"thousands of starts that join":    {window: "* * 1-30 * * for 1m", when: "2026-01-01 00:00 +0000", closes: "-"},
		"the last of them":                 {window: "* * 1-30 * * for 1m", when: "2026-01-25 00:00 +0000", closes: "2026-01-31 00:00 +0000"},
		"hours with a pause":               {window: "0 * * * * for 59m", when: "2026-01-01 12:59 +0000", next: "2026-01-01 13:00 +0000"},
		"with a part that is never open":   {window: "never; 0 2 * * * for 1h", when: "2026-01-01 02:30 +0000", closes: "2026-01-01 03:00 +0000"},
		"with a part that is always open":  {window: "0 2 * * * for 1h; always", when: "2026-01-01 02:30 +0000", closes: "-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := window.MustParse(tt.window)
			switch {
			case tt.closes == "-":
				checkOpen(t, w, at(t, tt.when), "")
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

func TestSubSecondInterval(t *testing.T) {
	t.Parallel()
	w := window.MustParse("0 2 * * * for 1ms")
	start := at(t, "2026-01-01 02:00 +0000")
	got, ok := w.Closes(start.Add(time.Microsecond))
	if want := start.Add(time.Millisecond); !ok || !got.Equal(want) {
		t.Errorf("Closes = %v, %v, want %v", got, ok, want)
	}
	checkClosed(t, w, start.Add(time.Millisecond), "2026-01-02 02:00 +0000")
}

func TestIsAlways(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"@daily for 1d":                   true,
		"@hourly for 1h in Europe/Berlin": true,
		"@daily for 23h59m":               false,
		"0 2 * * * for 1h; @daily for 2d": true,
		"0 0 * * 1-5 for 1d":              false,
		"0 0 1-30 * * for 1d":             false,
		"0 0 * 1-11 * for 1d":             false,
	}
	for text, want := range tests {
		if got := window.MustParse(text).IsAlways(); got != want {
			t.Errorf("MustParse(%q).IsAlways() = %v, want %v", text, got, want)
		}
	}
}

func TestResultsAreInTheZoneOfTheWindow(t *testing.T) {
	t.Parallel()
	w := window.MustParse("0 22 * * * for 8h in Europe/Berlin")
	opens, _ := w.Next(at(t, "2026-07-01 12:00 +0000"))
	closes, _ := w.Closes(opens)
	for _, got := range []time.Time{opens, closes} {
		if got.Location().String() != "Europe/Berlin" {
			t.Errorf("%v is in zone %v, want Europe/Berlin", got, got.Location())
		}
	}
}
