package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestParseDatabase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "catalogue.db",
		"x.db":                  "x.db",
		"/data/a b?.db":         "/data/a b?.db",
		`C:\music.db`:           `C:\music.db`,
		"sqlite:x.db":           "x.db",
		"sqlite:///data/x.db":   "/data/x.db",
		"file:x.db?mode=ro":     "x.db",
		"file:///data/a%20b.db": "/data/a b.db",
		"SQLITE:x.db?cache=new": "x.db",
	} {
		got, err := parseDatabase(text, "rwc")
		if err != nil || got.name != want || got.file != want {
			t.Errorf("parseDatabase(%q) = %q, %v; want path %q", text, got.file, err, want)
		}
	}
}

func TestParseServer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://ann:secret@db.example.com/music?sslmode=disable": "postgres://db.example.com:5432/music",
		"postgresql://[::1]:5433/music":                              "postgres://[::1]:5433/music",
		"mysql://ann:s%40cret@db.example.com/music?tls=skip-verify":  "mysql://db.example.com:3306/music",
		"MariaDB://root@127.0.0.1:3307/music":                        "mysql://127.0.0.1:3307/music",
	} {
		got, err := parseDatabase(text, "rwc")
		if err != nil || got.name != want || got.file != "" {
			t.Errorf("parseDatabase(%q) = %q, %v; want %q", text, got.name, err, want)
		}
	}
}

// TestPragmas asks SQLite for what an app needs, unless the address says otherwise.
func TestPragmas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "catalogue.db")
	for address, timeout := range map[string]int64{path: 5000, "file:" + path + "?_pragma=busy_timeout(9)": 9} {
		db := openTest(t, address)
		if got := count(t, db, "PRAGMA busy_timeout"); got != timeout {
			t.Errorf("%s: busy_timeout is %d ms, want %d", address, got, timeout)
		}
		if got := count(t, db, "PRAGMA synchronous"); got != 1 {
			t.Errorf("%s: synchronous is %d, want 1: normal", address, got)
		}
		var mode string
		if err := db.NewRaw("PRAGMA journal_mode").Scan(t.Context(), &mode); err != nil || mode != "wal" {
			t.Errorf("%s: the journal is %q, %v; want wal", address, mode, err)
		}
	}
}

// TestTally finds each kind of wrong row, and nothing else.
func TestTally(t *testing.T) {
	t.Parallel()
	cat := newCatalogue(t, seeds{Tracks: 4, Bad: 1}) // track 1 is the bad one
	ms := int64(100_500)
	if _, err := cat.change(t.Context(), 2, edit{LengthMS: &ms}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		sql  string
		want tally
	}{
		{"SELECT 1", tally{Tracks: 5, Remaining: 3}},
		{"UPDATE tracks SET length_ms = length * 1000 WHERE id = 3", tally{Tracks: 5, Remaining: 2}},
		{"UPDATE tracks SET length_ms = length * 1000 WHERE id = 2", tally{Tracks: 5, Remaining: 2, Wrong: 1}}, // a lost update
		{"UPDATE tracks SET length_ms = length WHERE id = 4", tally{Tracks: 5, Remaining: 1, Wrong: 2}},
		{"UPDATE tracks SET length_ms = -1000 WHERE id = 1", tally{Tracks: 5, Remaining: 1, Wrong: 3}}, // a bad row that was moved
	} {
		if _, err := cat.db.ExecContext(t.Context(), tc.sql); err != nil {
			t.Fatal(err)
		}
		if got := truthOf(t.Context(), cat.db, wrongBoth); got != tc.want {
			t.Errorf("after %s: %+v, want %+v", tc.sql, got, tc.want)
		}
	}
}

func TestSeedResumes(t *testing.T) {
	t.Parallel()
	cat := newCatalogue(t, seeds{Tracks: 2500, Bad: 2})
	for _, tc := range []struct {
		name string
		want seeds
		rows int64
	}{
		{"defaults add nothing", seeds{Tracks: 4000, Bad: 5}, 2502},
		{"what is asked for is added", seeds{Tracks: 3000, AskedTracks: true, Bad: 5}, 3002},
		{"less takes nothing away", seeds{Tracks: 10, AskedTracks: true, Bad: 1, AskedBad: true}, 3002},
		{"bad ones too", seeds{Bad: 5, AskedBad: true}, 3005},
	} {
		if err := seed(t.Context(), cat.db, tc.want, func(int64, int64) {}); err != nil {
			t.Fatal(err)
		}
		if got := truthOf(t.Context(), cat.db, wrongBoth); got.Tracks != tc.rows || got.Wrong != 0 || got.Remaining != tc.rows-min(5, got.Tracks-got.Remaining) {
			t.Errorf("%s: %+v, want %d tracks", tc.name, got, tc.rows)
		}
	}
}

func TestProgressLine(t *testing.T) {
	t.Parallel()
	p := progress{here: "me"}
	st := bgtransform.Status{
		Transform: moveName, State: bgtransform.StateRunning, Progress: 0.43, Rows: 43_210,
		RowsPerSec: 10_000, Remaining: 57_000, Pass: 1, Quarantined: 5, Holder: "me",
		Finish: bgtransform.Forecast{State: bgtransform.ForecastReady, Left: 6 * time.Second},
	}
	if got, want := p.line(st, false), "track-length-ms [####------]  43%  43,210 rows  10,000 walked/s  6s left  5 bad"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	made := time.Date(2026, 11, 25, 21, 0, 0, 0, time.UTC)
	st.Finish = bgtransform.Forecast{State: bgtransform.ForecastReady, Made: made, At: made.Add(30 * time.Hour), Windows: 3, Left: time.Hour}
	st.Quarantined = 0
	if got, want := p.line(st, true), "track-length-ms [####------]  43%  43,210 rows  running  Fri 03:00, 3 windows"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	st.Finish.State = bgtransform.ForecastMeasuring
	if got, want := p.line(st, false), "track-length-ms [####------]  43%  43,210 rows  10,000 walked/s  measuring"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	st.Pass, st.Holder, st.Rows, st.Transform = 1_000_000, "another", 1e12, strings.Repeat("x", 100)
	if got := p.line(st, false); len(got) > 79 {
		t.Errorf("line %q is too long for a terminal", got)
	}
}

func TestProgressOnPaper(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := progress{con: newConsole(&out)}
	now := time.Now()
	st := bgtransform.Status{Transform: moveName, State: bgtransform.StateRunning, RowsPerSec: 1}
	for i := range 30 { // six seconds
		p.show(st, now.Add(time.Duration(i)*200*time.Millisecond))
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("%d lines in six seconds, want 3:\n%s", n, &out)
	}
	out.Reset()
	st.State, st.Reason = bgtransform.StatePaused, bgtransform.Reason{Code: bgtransform.ReasonPaused, Text: "paused by ann"}
	p.show(st, now)
	p.show(st, now)
	if got, want := out.String(), "track-length-ms is paused: paused by ann\n"; got != want {
		t.Errorf("while it waits: %q, want %q, once", got, want)
	}
}

// What a health signal says is shown, once for as long as it says the same; that the
// pace is kept is not.
func TestProgressShowsHealthSignals(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := progress{con: newConsole(&out)}
	now := time.Now()
	p.told = now // no line of the progress in this second
	for _, why := range []bgtransform.Reason{
		{Code: bgtransform.ReasonThrottle, Text: "duty cycle 50 %"},
		{Code: bgtransform.ReasonHealth, Text: "throttled: replica lag 3.2 s > 2 s"},
		{Code: bgtransform.ReasonHealth, Text: "throttled: replica lag 12.9 s > 2 s"},
		{Code: bgtransform.ReasonHealth, Text: "throttled: lock waits 4 > 2"},
		{Code: bgtransform.ReasonHealth, Text: "throttled: replica lag is not known since 5s: no answer within 2s"},
		{Code: bgtransform.ReasonHealth, Text: "throttled: replica lag is not known since 6s: no answer within 2s"},
		{Code: bgtransform.ReasonThrottle, Text: "duty cycle 50 %"},
	} {
		st := bgtransform.Status{Transform: moveName, State: bgtransform.StateRunning, RowsPerSec: 1, Reason: why}
		p.show(st, now)
	}
	want := "track-length-ms is running: throttled: replica lag 3.2 s > 2 s\ntrack-length-ms is running: throttled: lock waits 4 > 2\n" +
		"track-length-ms is running: throttled: replica lag is not known since 5s: no answer within 2s\ntrack-length-ms goes on at its own pace\n"
	if got := out.String(); got != want {
		t.Errorf("the console shows\n%s\nwant\n%s", got, want)
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newConsole(&out)
	c.Bar("not on paper")
	c.terminal = true
	c.Bar("50 %")
	c.Bar("50 %")
	c.Printf("hello")
	c.Bar("")
	c.Printf("bye")
	if got, want := out.String(), erase+"50 %"+erase+"hello\n50 %"+erase+"bye\n"; got != want {
		t.Errorf("console wrote %q, want %q", got, want)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1: "-1", -123: "-123", -1234: "-1,234", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := stall{since: now}
	st := bgtransform.Status{Batches: 1}
	if s.longer(st, now.Add(stallLimit*2)) {
		t.Error("a batch is progress, want no stall")
	}
	if !s.longer(st, now.Add(stallLimit*4)) {
		t.Error("nothing happened for long, want a stall")
	}
}
