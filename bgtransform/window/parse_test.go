package window_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

func TestParseCanonicalText(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"always":                              "always",
		" Always\n":                           "always",
		"NEVER":                               "never",
		"never; always":                       "always",
		"0 22 * * * for 8h":                   "0 22 * * * for 8h in UTC",
		"0\t22 * * *  FOR  8h\n In  UTC":      "0 22 * * * for 8h in UTC",
		"0 22 * * * for 480m in Asia/Kolkata": "0 22 * * * for 8h in Asia/Kolkata",
		"@daily for 1d12h":                    "@daily for 1d12h in UTC",
		"@daily for 168h":                     "@daily for 7d in UTC",
		"@daily for 90m;\n@hourly for 5m30s":  "@daily for 1h30m in UTC; @hourly for 5m30s in UTC",
		"@daily for 1d0.5s":                   "@daily for 1d500ms in UTC",
		"@daily for 20h":                      "@daily for 20h in UTC",
		"@daily for 1h5s":                     "@daily for 1h0m5s in UTC",
		"never; 5 4 1,15 jan-jun/2 ? for 10m": "5 4 1,15 jan-jun/2 ? for 10m in UTC",
		"EVERY 20s FOR 5s":                    "every 20s for 5s",
		"every 24h for 60m":                   "every 1d for 1h",

		"always; except sun":                                   "always; except sun in UTC",
		"never; except sun":                                    "never",
		"@daily for 1h; always; except sun":                    "always; except sun in UTC",
		"except 12-24 .. 01-01; @daily for 1h in Asia/Kolkata": "@daily for 1h in Asia/Kolkata; except 12-24..01-01 in Asia/Kolkata",
		"always; Except  Mon,TUE .. wed ,fri..sun in UTC":      "always; except mon, tue..wed, fri..sun in UTC",
		"always; except mon..mon":                              "always; except mon in UTC",
		"always; except 2026-12-24 , 2027-01-01..2027-01-02":   "always; except 2026-12-24, 2027-01-01..2027-01-02 in UTC",
		"always; except 2026-12-24t18:00..2026-12-25t06:00":    "always; except 2026-12-24T18:00..2026-12-25T06:00 in UTC",
		"always; except LAST  2 days Of month, last 1 day of month, first 3 days of month, second tue of month, last fri of month": "always; except last 2 days of month, " +
			"last day of month, first 3 days of month, second tue of month, last fri of month in UTC",
		"always; except 0 22 * * 1,2 for 90m in Asia/Kolkata": "always; except 0 22 * * 1,2 for 1h30m in Asia/Kolkata",
		"always; except sun; except mon in Asia/Kolkata":      "always; except sun in UTC; except mon in Asia/Kolkata",
	}
	for text, want := range tests {
		w, err := window.Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := w.String(); got != want {
			t.Errorf("Parse(%q).String() = %q, want %q", text, got, want)
		}
		if again := window.MustParse(w.String()).String(); again != want {
			t.Errorf("Parse(%q).String() = %q, want the same", want, again)
		}
	}
}

func TestParseErrorSaysAll(t *testing.T) {
	t.Parallel()
	_, err := window.Parse("always; 0 25 * * * for 8h")
	if err == nil {
		t.Fatal("Parse = nil, want an error")
	}
	want := `window: part 2 "0 25 * * * for 8h": hour 25 is out of range 0-23; ` +
		`want "<cron> for <duration> in <zone>", such as "0 22 * * * for 8h in Europe/Berlin"`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("Parse error (-want +got):\n%s", diff)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                      `is empty`,
		"always;":                               `part 2 "": is empty`,
		"nightly":                               `"for <duration>" is missing`,
		"0 22 * * *":                            `"for <duration>" is missing`,
		"for 8h":                                `the cron expression before "for" is missing`,
		"0 22 * * * for":                        `the duration after "for" is missing`,
		"0 22 * * * for in UTC":                 `the duration after "for" is missing`,
		"0 22 * * for 8h":                       `has 4 fields instead of 5`,
		"0 0 22 * * * for 8h":                   `has 6 fields instead of 5`,
		"60 22 * * * for 8h":                    `minute 60 is out of range 0-59`,
		"0 22 0 * * for 8h":                     `day 0 is out of range 1-31`,
		"0 22 * 13 * for 8h":                    `month 13 is out of range 1-12 (jan is 1)`,
		"0 22 * * 7 for 8h":                     `weekday 7 is out of range 0-6 (sun is 0)`,
		"0 22 * * fri-mon for 8h":               `weekday range "fri-mon" ends before it begins`,
		"0 22-6 * * * for 8h":                   `hour range "22-6" ends before it begins`,
		"0 ten * * * for 8h":                    `hour "ten" is not a number in the range 0-23`,
		"0 +2 * * * for 8h":                     `hour "+2" is not a number`,
		"0 1-2-3 * * * for 8h":                  `hour "2-3" is not a number`,
		"0 *-5 * * * for 8h":                    `hour "*" is not a number`,
		"0 99999999999999999999 * * * for 8h":   `is not a number`,
		", * * * * for 8h":                      `minute "," has an empty item`,
		"0 1,,2 * * * for 8h":                   `hour "1,,2" has an empty item`,
		"*/100 * * * * for 1m":                  `minute step "100" is out of range 1-59`,
		"*/0 * * * * for 1m":                    `minute step "0" is out of range 1-59`,
		"*/9223372036854775807 * * * * for 1m":  `minute step "9223372036854775807" is out of range`,
		"*/ * * * * for 1m":                     `minute step "" is out of range`,
		"1/2/3 * * * * for 1m":                  `minute step "2/3" is out of range`,
		"0 0 30 2 * for 1h":                     `matches no date in any year`,
		"0 0 31 4,6 * for 1h":                   `matches no date in any year`,
		"@every 1h for 5m":                      `"@every 1h" is not one of @hourly`,
		"@reboot for 5m":                        `"@reboot" is not one of @hourly`,
		"@daily * for 5m":                       `"@daily *" is not one of @hourly`,
		"TZ= for 5m":                            `"TZ=" does not belong here; name the zone at the end`,
		"TZ=UTC 0 22 * * * for 8h":              `"TZ=UTC" does not belong here`,
		"CRON_TZ=Europe/Berlin for 8h":          `"CRON_TZ=Europe/Berlin" does not belong here`,
		"0 22 * * * for 8":                      `duration "8" is not one`,
		"0 22 * * * for 8 h":                    `duration "8 h" is not one`,
		"0 22 * * * for d":                      `duration "d" is not one`,
		"0 22 * * * for 1.5d":                   `duration "1.5d" is not one`,
		"0 22 * * * for 0s":                     `duration "0s" must be more than 0`,
		"0 22 * * * for -8h":                    `duration "-8h" must be more than 0`,
		"0 22 * * * for 1d-8h":                  `duration "1d-8h" must be more than 0`,
		"0 22 * * * for 8d":                     `duration "8d" is longer than 7 days`,
		"0 22 * * * for 7d1ns":                  `duration "7d1ns" is longer than 7 days`,
		"0 22 * * * for 9999999999d":            `duration "9999999999d" is longer than 7 days`,
		"0 22 * * * for 8h in":                  `the zone after "in" is missing`,
		"0 22 * * * for 8h in Local":            `zone "Local" would differ from machine to machine`,
		"0 22 * * * for 8h in Mars/Olympus":     `zone "Mars/Olympus" is unknown; name an IANA zone`,
		"0 22 * * * for 8h in ../etc/passwd":    `zone "../etc/passwd" is unknown`,
		"0 22 * * * for 8h in UTC UTC":          `zone "UTC UTC" is unknown`,
		"every for 1h":                          `the duration after "every" is missing`,
		"every 1h":                              `"for <duration>" is missing`,
		"every 1h for":                          `"for <duration>" is missing`,
		"every 1h for 5m in UTC":                `leave "in" and the zone out`,
		"every 1h for in":                       `leave "in" and the zone out`,
		"every x for 5m":                        `duration "x" is not one`,
		"every 1h for x":                        `duration "x" is not one`,
		"every 1ms for 1ns":                     `period "1ms" must be from 1s to 1d`,
		"every 25h for 1h":                      `period "25h" must be from 1s to 1d`,
		"every 1h for 1h":                       `duration "1h" must be less than the period "1h"`,
		"except sun":                            `write "always; except …"`,
		"always; except":                        `part 2 "except": what follows "except" is missing; want "except <days> in <zone>"`,
		"always; except in UTC":                 `what follows "except" is missing`,
		"always; except sun in":                 `the zone after "in" is missing`,
		"always; except sun in Mars/Olympus":    `zone "Mars/Olympus" is unknown`,
		"always; except sun,":                   `an item between commas is empty`,
		"always; except sunday":                 `"sunday" is neither a date nor one of the weekdays sun mon`,
		"always; except sat-sun":                `"sat-sun" is neither a date`,
		"always; except sat..":                  `range "sat.." lacks an end`,
		"always; except sat..x":                 `"x" is neither a date`,
		"always; except ..":                     `range ".." lacks an end`,
		"always; except 24.12.":                 `"24.12." is not a date such as 2026-12-24`,
		"always; except 2026-02-29":             `"2026-02-29" is not a date`,
		"always; except 2026-1-2":               `"2026-1-2" is not a date`,
		"always; except 2026-12-24..12-26":      `"12-26" is not a date such as 2026-12-24`,
		"always; except 2026-12-24..2026-12-23": `range "2026-12-24..2026-12-23" ends before it begins`,
		"always; except 2026-12-24T18:00":       `"2026-12-24T18:00" is no length of time; write until when, such as 2026-12-24T18:00..2026-12-25T06:00`,
		"always; except 2026-12-24T18:00..2026-12-24T18:00": `ends before it begins`,
		"always; except 2026-12-24..2026-12-25T18:00":       `if one end of a range has a time, the other needs one too`,
		"always; except 2026-12-24T18:00..2026-12-25":       `if one end of a range has a time, the other needs one too`,
		"always; except 2026-12-24T25:00..2026-12-25T00:00": `is not an instant`,
		"always; except 13-01":                              `"13-01" is not a date of each year: write month and day, such as 12-24`,
		"always; except 02-30":                              `"02-30" is not a date of each year`,
		"always; except 12-24..1-1":                         `"1-1" is not a date of each year`,
		"always; except last 2 days":                        `"last 2 days" is not such as "last 2 days of month"`,
		"always; except last of month":                      `is not such as "last 2 days of month"`,
		"always; except final day of month":                 `"final" is not one of first, second, third, fourth, last`,
		"always; except last 29 days of month":              `"29" is not a number of days from 1 to 28, which every month has`,
		"always; except last 0 days of month":               `"0" is not a number of days`,
		"always; except second 3 days of month":             `is not such as`,
		"always; except last 3 tue of month":                `is not such as`,
		"always; except first xyz of month":                 `"xyz" is neither a date nor one of the weekdays`,
		"always; except 0 25 * * * for 1h":                  `hour 25 is out of range`,
		"always; except 0 22 * * * for":                     `the duration after "for" is missing`,
		"0 22 * * * for 8h except sun":                      `an exception is a part of its own; write a semicolon after "0 22 * * * for 8h"`,
		"@daily for 1h; @daily for 1h in Asia/Kolkata; except sun": `the intervals are in more than one zone (UTC, Asia/Kolkata); ` +
			`say in which the exception is, such as "except sun in UTC"`,
		strings.Repeat("always;", 32) + "always":                                `33 parts are more than 32`,
		strings.Repeat("x", 1025):                                               `text of 1025 bytes is longer than 1024`,
		strings.Repeat("0 0,1,2,3,4,5,6,7 * * * for 1h;", 31) + "@daily for 1h": `written out in full`,
	}
	for text, want := range tests {
		w, err := window.Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, w)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "window: ") || !strings.Contains(got, want) {
			t.Errorf("Parse(%q): %v, want it to contain %q", text, err, want)
		}
	}
}

func TestMustParsePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("MustParse did not panic")
		}
	}()
	window.MustParse("sometimes")
}

func TestWindowInJSON(t *testing.T) {
	t.Parallel()
	type config struct{ Window window.Window }
	var c config
	in := `{"Window":"0 22 * * * for 8h in Europe/Berlin"}`
	if err := json.Unmarshal([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(c)
	if err != nil || string(out) != in {
		t.Errorf("Marshal = %s, %v, want %s", out, err, in)
	}
	if err := json.Unmarshal([]byte(`{"Window":"sometimes"}`), &c); err == nil {
		t.Error("Unmarshal = nil, want an error")
	}
	if got := c.Window.String(); got != "0 22 * * * for 8h in Europe/Berlin" {
		t.Errorf("after an error the window is %q, want the one before", got)
	}
}
