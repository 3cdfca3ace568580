package window_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// TestClockChanges has one row per way in which an interval can meet a change of
// the clocks: when it must open after when, and when it must close then.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ window, when, opens, closes string }{
		// Berlin goes from 02:00 +01 to 03:00 +02 on 2026-03-29.
		"Berlin spring, around":       {"0 22 * * * for 8h in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-28 22:00 +0100", "2026-03-29 06:00 +0200"},
		"Berlin spring, start in gap": {"30 2 * * * for 8h in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-29 03:00 +0200", "2026-03-29 10:30 +0200"},
		"Berlin spring, end in gap":   {"0 22 * * * for 4h30m in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-28 22:00 +0100", "2026-03-29 03:00 +0200"},
		"Berlin spring, within gap":   {"10 2 * * * for 30m in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-30 02:10 +0200", "2026-03-30 02:40 +0200"},
		"Berlin spring, all of gap":   {"0 2 * * * for 1h in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-30 02:00 +0200", "2026-03-30 03:00 +0200"},
		"Berlin spring, many in gap":  {"* 2 * * * for 1m in Europe/Berlin", "2026-03-28 12:00 +0100", "2026-03-30 02:00 +0200", "2026-03-30 03:00 +0200"},
		// Berlin goes from 03:00 +02 to 02:00 +01 on 2026-10-25.
		"Berlin autumn, around":          {"0 22 * * * for 8h in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-24 22:00 +0200", "2026-10-25 06:00 +0100"},
		"Berlin autumn, start in repeat": {"30 2 * * * for 3h in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-25 02:30 +0200", "2026-10-25 05:30 +0100"},
		"Berlin autumn, end in repeat":   {"0 22 * * * for 4h30m in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-24 22:00 +0200", "2026-10-25 02:30 +0200"},
		"Berlin autumn, end at repeat":   {"0 22 * * * for 4h in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-24 22:00 +0200", "2026-10-25 02:00 +0200"},
		"Berlin autumn, within repeat":   {"10 2 * * * for 30m in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-25 02:10 +0200", "2026-10-25 02:40 +0200"},
		"Berlin autumn, all of repeat":   {"0 2 * * * for 1h in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-25 02:00 +0200", "2026-10-25 03:00 +0100"},
		"Berlin autumn, to its end":      {"30 2 * * * for 30m in Europe/Berlin", "2026-10-24 12:00 +0200", "2026-10-25 02:30 +0200", "2026-10-25 03:00 +0100"},
		"Berlin autumn, not twice":       {"10 2 * * * for 30m in Europe/Berlin", "2026-10-25 02:40 +0200", "2026-10-26 02:10 +0100", "2026-10-26 02:40 +0100"},
		// New York goes from 02:00 -05 to 03:00 -04 on 2026-03-08, back on 2026-11-01.
		"New York spring, around":       {"0 22 * * * for 8h in America/New_York", "2026-03-07 12:00 -0500", "2026-03-07 22:00 -0500", "2026-03-08 06:00 -0400"},
		"New York spring, start in gap": {"15 2 * * * for 1h in America/New_York", "2026-03-07 12:00 -0500", "2026-03-08 03:00 -0400", "2026-03-08 03:15 -0400"},
		"New York autumn, around":       {"0 22 * * * for 8h in America/New_York", "2026-10-31 12:00 -0400", "2026-10-31 22:00 -0400", "2026-11-01 06:00 -0500"},
		"New York autumn, in repeat":    {"30 1 * * * for 1h in America/New_York", "2026-10-31 12:00 -0400", "2026-11-01 01:30 -0400", "2026-11-01 02:30 -0500"},
		// Lord Howe changes by half an hour: 02:00 +1030 to 02:30 +11 on 2026-10-04, 02:00 +11 to 01:30 +1030 on 2026-04-05.
		"Lord Howe spring, around":       {"0 22 * * * for 8h in Australia/Lord_Howe", "2026-10-03 12:00 +1030", "2026-10-03 22:00 +1030", "2026-10-04 06:00 +1100"},
		"Lord Howe spring, start in gap": {"15 2 * * * for 1h in Australia/Lord_Howe", "2026-10-03 12:00 +1030", "2026-10-04 02:30 +1100", "2026-10-04 03:15 +1100"},
		"Lord Howe autumn, around":       {"0 22 * * * for 8h in Australia/Lord_Howe", "2026-04-04 12:00 +1100", "2026-04-04 22:00 +1100", "2026-04-05 06:00 +1030"},
		"Lord Howe autumn, in repeat":    {"45 1 * * * for 1h in Australia/Lord_Howe", "2026-04-04 12:00 +1100", "2026-04-05 01:45 +1100", "2026-04-05 02:45 +1030"},
		// Kolkata never changes.
		"Kolkata in spring": {"0 22 * * * for 8h in Asia/Kolkata", "2026-03-28 12:00 +0530", "2026-03-28 22:00 +0530", "2026-03-29 06:00 +0530"},
		"Kolkata in autumn": {"30 2 * * * for 8h in Asia/Kolkata", "2026-10-24 12:00 +0530", "2026-10-25 02:30 +0530", "2026-10-25 10:30 +0530"},
		// Beyond 2037 zones follow a rule, whose bounds are wrong on the last day of leap years.
		"Berlin, end of a leap year":   {"0 22 * * * for 8h in Europe/Berlin", "2040-12-31 12:00 +0100", "2040-12-31 22:00 +0100", "2041-01-01 06:00 +0100"},
		"New York, end of a leap year": {"0 22 * * * for 8h in America/New_York", "2040-12-31 12:00 -0500", "2040-12-31 22:00 -0500", "2041-01-01 06:00 -0500"},
		"Santiago, end of a leap year": {"0 22 * * * for 8h in America/Santiago", "2040-12-30 22:00 +0000", "2040-12-30 22:00 -0300", "2040-12-31 06:00 -0300"},
		// Samoa skipped 2011-12-30 as a whole.
		"Samoa, a skipped day":         {"0 2 30 * * for 1h in Pacific/Apia", "2011-12-01 00:00 -1000", "2012-01-30 02:00 +1400", "2012-01-30 03:00 +1400"},
		"Samoa, across a skipped day":  {"0 22 29 12 * for 2d in Pacific/Apia", "2011-12-01 00:00 -1000", "2011-12-29 22:00 -1000", "2011-12-31 22:00 +1400"},
		"Samoa, minutes of it skipped": {"* * 30,31 12 * for 1m in Pacific/Apia", "2011-12-01 00:00 -1000", "2011-12-31 00:00 +1400", "2012-01-01 00:00 +1400"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := window.MustParse(tt.window)
			checkClosed(t, w, at(t, tt.when), tt.opens)
			checkClosed(t, w, at(t, tt.opens).Add(-1), tt.opens)
			checkOpen(t, w, at(t, tt.opens), tt.closes)
			checkOpen(t, w, at(t, tt.closes).Add(-1), tt.closes)
			if w.Contains(at(t, tt.closes)) {
				t.Errorf("%v contains %v, want closed", w, tt.closes)
			}
		})
	}
}

func TestIntervalStaysOpenWhileItsStartIsRepeated(t *testing.T) {
	t.Parallel()
	w := window.MustParse("30 2 * * * for 3h in Europe/Berlin")
	checkOpen(t, w, at(t, "2026-10-25 02:15 +0100"), "2026-10-25 05:30 +0100")
	checkOpen(t, w, at(t, "2026-10-25 02:45 +0100"), "2026-10-25 05:30 +0100")
}

func TestIntervalStaysClosedWhileItsEndIsRepeated(t *testing.T) {
	t.Parallel()
	w := window.MustParse("0 22 * * * for 4h30m in Europe/Berlin")
	checkClosed(t, w, at(t, "2026-10-25 02:45 +0200"), "2026-10-25 22:00 +0100")
	checkClosed(t, w, at(t, "2026-10-25 02:15 +0100"), "2026-10-25 22:00 +0100")
}
