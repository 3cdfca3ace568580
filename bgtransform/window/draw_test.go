package window_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// part is one interval as the properties draw it.
type part struct {
	cron   string
	length time.Duration
	zone   string
}

func (p part) String() string { return fmt.Sprintf("%s for %v in %s", p.cron, p.length, p.zone) }

// drawWindow draws the parts of a window whose length has minutes, and exceptions
// from it.
func drawWindow(t *rapid.T) (parts []part, blackouts []blackout, text string) {
	parts = rapid.SliceOfN(rapid.Custom(drawPart), 1, 3).Draw(t, "parts")
	blackouts = rapid.SliceOfN(rapid.Custom(drawBlackout), 0, 2).Draw(t, "blackouts")
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.String())
	}
	for _, b := range blackouts {
		texts = append(texts, b.String())
	}
	return parts, blackouts, strings.Join(texts, "; ")
}

// zones change their clocks by an hour, in the north and in the south, by half an
// hour, at midnight, for a month that moves through the year, or never.
func zones() []string {
	return []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kolkata", "UTC",
	}
}

func drawPart(t *rapid.T) part {
	minute := rapid.SampledFrom([]string{"0", "15", "30", "45", "59", "*/20", "10-12", "*"}).Draw(t, "minute")
	hour := rapid.SampledFrom([]string{"0", "1", "2", "3", "22", "23", "1-3", "*/6", "*"}).Draw(t, "hour")
	days := rapid.SampledFrom([]string{"* * *", "* * sun", "* * 1-5", "29 * *", "1-7 * sat", "*/2 * *", "* 3,4 *"}).Draw(t, "days")
	length := rapid.OneOf(rapid.IntRange(1, 90), rapid.IntRange(1, 12*60), rapid.IntRange(1, 7*24*60)).Draw(t, "length")
	return part{minute + " " + hour + " " + days, time.Duration(length) * time.Minute, rapid.SampledFrom(zones()).Draw(t, "zone")}
}

// drawDay draws a day around which some zone changes its clocks, the turn of an
// ordinary or a leap year, the latter in years without a list of changes, or any day.
func drawDay(t *rapid.T) time.Time {
	near := rapid.SampledFrom(changes()).Draw(t, "change")
	since := rapid.IntRange(0, 20*365).Draw(t, "days since 2024")
	if rapid.IntRange(0, 3).Draw(t, "any day") == 0 {
		return time.Date(2024, time.January, since, 0, 0, 0, 0, time.UTC)
	}
	return near
}

func changes() []time.Time {
	days := make([]time.Time, 0, 13)
	for _, d := range []string{
		"2026-02-15", "2026-03-22", // Casablanca
		"2026-03-08", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-04", "2026-10-25", "2026-11-01", "2027-01-01",
		"2040-12-31", "2041-03-31", "2041-10-27",
	} {
		day, _ := time.Parse(time.DateOnly, d)
		days = append(days, day)
	}
	return days
}
