// Package window says when background work may run: on which days, between which
// times of the wall clock, in which time zone.
//
// A [Window] is an immutable union of intervals, less its exceptions. Its text form
// is made for a configuration file or an environment variable:
//
//	always
//	never
//	0 22 * * * for 8h in Europe/Berlin
//	0 22 * * 1-5 for 8h in Europe/Berlin; 0 0 * * 0,6 for 1d in Europe/Berlin
//	0 22 * * * for 8h in Europe/Berlin; except 12-24..01-01, last 2 days of month
//
// # Grammar
//
//	window   = part { ";" part }
//	part     = "always" | "never" | interval | every | except
//	interval = cron "for" duration [ "in" zone ]
//	every    = "every" duration "for" duration
//	except   = "except" ( days { "," days } | cron "for" duration ) [ "in" zone ]
//	cron     = five fields (minute hour day month weekday) or
//	           @hourly @daily @midnight @weekly @monthly @yearly @annually
//	duration = a Go duration, which may begin with days: 8h, 90m, 1d, 1d12h
//	zone     = an IANA name such as Europe/Berlin; UTC if left out of an interval
//	days     = 2026-12-24 or 2026-12-24..2027-01-02: dates, the last included
//	           12-24 or 12-24..01-01: the same in each year
//	           sun or sat..mon: weekdays
//	           2026-12-24T18:00..2026-12-25T06:00: from one time up to another
//	           last day of month, first 3 days of month, last fri of month,
//	           second tue of month
//
// The cron expression says when an interval starts, the duration how long it
// lasts: more than 0 and at most 7 days. As in every cron, an interval starts on
// days that match the day of the month or the weekday if both are restricted.
// Names (jan, mon) work, lists, ranges and steps too; weekday 0 is Sunday.
// Keywords may be in any case, white space is free. A text has at most 1 KiB and
// 32 parts. A binary that runs where no zone files are installed must import
// time/tzdata.
//
// An interval of "every" pays no heed to the wall clock: "every 20s for 5s" is open
// for five seconds from each multiple of the period on, which are counted from a
// midnight of long ago in UTC, so that all instances agree. The period is at least a
// second and at most a day. It is for demonstrations and tests, where nobody wants to
// wait for the night.
//
// # Exceptions
//
// An exception takes away from all parts, wherever it stands in the text, so that no
// other part can open what it closes. It is about when work runs, not about which
// interval the time belongs to: "except 12-24" closes the window from midnight to
// midnight of that day. The night that began on the 23rd ends at midnight, and the
// one of the 24th opens at the midnight after. To leave out a whole night instead,
// write its times: 2026-12-24T12:00..2026-12-25T12:00, or "0 12 24 12 * for 1d" for
// each year.
//
// An exception without a zone is in that of the intervals; if there are several, its
// zone must be named. Without intervals it is UTC.
//
// # Wall clock
//
// Intervals are half-open, [start, end), and lie on the wall clock: "0 22 * * *
// for 8h" ends at 06:00 in every night, also in those that are an hour shorter
// or longer than others. An interval follows a clock which is the wall clock,
// but never runs backward: while an hour is repeated, it stands at the end of
// that hour until the wall clock has caught up.
//
//   - Clocks go forward. An interval that starts in the skipped hour opens at the
//     moment of the change; one that ends in it closes at that moment; one that
//     lies wholly within it does not exist in that night.
//   - Clocks go back. An interval that starts in the repeated hour opens when that
//     time comes for the first time and stays open; one that ends in it closes
//     when that time comes for the first time and stays closed.
//
// So an interval opens once and closes once, in this order, whatever the clocks
// do, and no window is open at a wall-clock time outside its intervals, with one
// exception: an interval which opened in the repeated hour is still open while
// the clock shows that hour for the second time, up to the interval's own start.
//
// When the clocks change an exception is in effect in doubt: from the first time that
// the clock shows its beginning until the last time that it shows its end. Nothing
// runs while the wall clock shows a time that is excepted.
package window
