// Package window says when background work may run: on which days, between which
// times of the wall clock, in which time zone.
//
// A [Window] is an immutable union of intervals. Its text form is made for a
// configuration file or an environment variable:
//
//	always
//	never
//	0 22 * * * for 8h in Europe/Berlin
//	0 22 * * 1-5 for 8h in Europe/Berlin; 0 0 * * 0,6 for 1d in Europe/Berlin
//
// # Grammar
//
//	window   = part { ";" part }
//	part     = "always" | "never" | interval
//	interval = cron "for" duration [ "in" zone ]
//	cron     = five fields (minute hour day month weekday) or
//	           @hourly @daily @midnight @weekly @monthly @yearly @annually
//	duration = a Go duration, which may begin with days: 8h, 90m, 1d, 1d12h
//	zone     = an IANA name such as Europe/Berlin; UTC if left out
//
// The cron expression says when an interval starts, the duration how long it
// lasts: more than 0 and at most 7 days. As in every cron, an interval starts on
// days that match the day of the month or the weekday if both are restricted.
// Names (jan, mon) work, lists, ranges and steps too; weekday 0 is Sunday.
// Keywords may be in any case, white space is free. A text has at most 1 KiB and
// 32 parts. A binary that runs where no zone files are installed must import
// time/tzdata.
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
package window
