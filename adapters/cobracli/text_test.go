package cobracli_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones of the windows, wherever the tests run

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is when all of these statuses are looked at.
func noon() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

// atNoon sets the clock, without a terminal.
func atNoon() cobracli.Option {
	return cobracli.Surroundings(func(string) string { return "" }, func(any) bool { return false }, noon)
}

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".txt")
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got; go test -update writes it):\n%s", file, diff)
	}
}

// cases are statuses as the engine gives them.
func cases() map[string]bgtransform.Status {
	run := bgtransform.Status{
		Transform: move, State: bgtransform.StateRunning, Run: 1, Pass: 1, Attempt: 2, Batches: 41,
		Rows: 412000, Walked: 430000, Remaining: 570000, Progress: 0.412, RowsPerSec: 9800,
		Holder: "web-3", Started: noon().Add(-time.Hour), Updated: noon().Add(-2 * time.Second),
		Finish: bgtransform.Forecast{State: bgtransform.ForecastReady, At: noon().Add(time.Minute), Made: noon(), Left: time.Minute},
	}
	waits := func(code bgtransform.ReasonCode, text string, until time.Time) bgtransform.Status {
		st := run
		st.State, st.Holder, st.RowsPerSec = bgtransform.StateWaiting, "", 0
		st.Reason = bgtransform.Reason{Code: code, Text: text, Until: until}
		st.Finish = bgtransform.Forecast{State: bgtransform.ForecastStopped, Why: text, Left: 4 * time.Minute}
		return st
	}
	all := map[string]bgtransform.Status{"running": run}

	paced := run
	paced.Reason = bgtransform.Reason{Code: bgtransform.ReasonThrottle, Text: "rows per second 10000"}
	paced.Window = "0 10 * * * for 4h"
	paced.Tuned = []bgtransform.Tuned{{Setting: bgtransform.SettingRowsPerSecond, Value: "10000", By: "ann", Why: "the shop is slow", Since: noon().Add(-3 * time.Minute)}}
	all["paced"] = paced

	window := waits(bgtransform.ReasonWindow, "outside its window, which opens at 22:00 CET", noon().Add(9*time.Hour))
	window.Window = "0 22 * * * for 8h in Europe/Berlin; except 12-24"
	window.Finish = bgtransform.Forecast{State: bgtransform.ForecastReady, At: noon().Add(16 * time.Hour), Made: noon(), Left: 4 * time.Minute, Windows: 1}
	all["outside its window"] = window

	pool := waits(bgtransform.ReasonFleet, "waits for 1 instance that writes only the old column: web-1 (version 1), last seen 1 s ago", time.Time{})
	pool.Pool = []bgtransform.PoolStage{
		{Instance: "web-1", Version: "1", Stage: fleet.Before, LastSeen: noon().Add(-time.Second)},
		{Instance: "web-3", Version: "2", Stage: fleet.Old, LastSeen: noon()},
	}
	all["waits for the pool"] = pool

	stuck := run
	stuck.RowsPerSec, stuck.Stuck = 0, noon().Add(-20*time.Minute)
	stuck.Reason = bgtransform.Reason{Code: bgtransform.ReasonWriters, Text: "the next pass begins when a transaction ends that has written to the table: backend 4711, idle in transaction"}
	all["stuck"] = stuck

	paused := waits(bgtransform.ReasonPaused, "paused by ann: lunch", time.Time{})
	paused.State = bgtransform.StatePaused
	all["paused"] = paused

	held := waits(bgtransform.ReasonQuarantine, "5 rows in quarantine block completion", time.Time{})
	held.Window = "always"
	held.Quarantined, held.Accepted, held.Progress, held.Remaining = 5, 1, 0.999, 0
	all["quarantine"] = held

	failed := waits(bgtransform.ReasonTooManyBad, "101 of 500 rows went to quarantine", time.Time{})
	failed.State, failed.Quarantined = bgtransform.StateFailed, 101
	failed.Window = "never"
	failed.LastError, failed.LastErrorAt = "101 of 500 rows went to quarantine", noon().Add(-time.Minute)
	all["failed"] = failed

	asks := waits(bgtransform.ReasonFleet, "web-6 (version 4) does not know the move, and was there when reads had come to phase new: it is the one or the other", time.Time{})
	asks.State = bgtransform.StateFailed
	all["in dispute"] = asks
	asks.Contracted = noon().Add(-time.Hour)
	all["in dispute after a contract"] = asks

	late := waits(bgtransform.ReasonFleet, "a version of the app has run since 11:00 that writes only the new column", time.Time{})
	late.Contracted = noon().Add(-time.Hour)
	all["contracted too early"] = late
	late.Completed = noon().Add(-2 * time.Hour)
	all["restarted and contracted"] = late

	done := run
	done.State, done.Progress, done.Remaining, done.RowsPerSec, done.Holder = bgtransform.StateComplete, 1, 0, 0, ""
	done.Finish, done.Completed = bgtransform.Forecast{}, noon().Add(-time.Minute)
	done.Verify = &bgtransform.Verification{State: bgtransform.VerifyDone, By: "ann", Sample: 0.05, Rows: 50000, Mismatches: 2, Repaired: 1, Progress: 1}
	all["complete"] = done

	verifying := done
	verifying.Reason = bgtransform.Reason{Code: bgtransform.ReasonThrottle, Text: "duty cycle 50 %"}
	verifying.Verify = &bgtransform.Verification{State: bgtransform.VerifyRunning, By: "ann", Sample: 1, Rows: 1000, Progress: 0.25}
	all["verified while complete"] = verifying // and what cannot be paused is not said to be

	all["never started"] = bgtransform.Status{
		Transform: move, State: bgtransform.StatePending, Remaining: -1, Progress: -1,
		Here: bgtransform.Reason{Text: "no instance of the app has started with it in this database yet"},
	}
	tableless := all["never started"]
	tableless.Here = bgtransform.Reason{Code: bgtransform.ReasonSchema, Text: "its tables do not exist: either no instance of the app has started here, or its user may not make them"}
	all["without tables"] = tableless
	return all
}

func quarantined() []bgtransform.QuarantinedRow {
	return []bgtransform.QuarantinedRow{
		{Key: "1", Class: "negativeLengthError", Message: "the length is negative\nin two lines", Tries: 2, Last: noon().Add(-time.Hour)},
		{Key: "7, D\x1b[2JE", Class: "panic", Message: "\x1b]0;mine\a", Accepted: true, By: "ann"},
	}
}

func log() []bgtransform.Action {
	return []bgtransform.Action{
		{Action: "tune", What: "ROWS_PER_SECOND=10000 (was default)", By: "ann", Why: "the shop is slow", At: noon().Add(-3 * time.Minute)},
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for name, st := range cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rows []bgtransform.QuarantinedRow
			if st.Quarantined > 0 {
				rows = quarantined()
			}
			golden(t, "status "+name, cobracli.StatusText(io.Discard, st, rows, log(), atNoon()))
			golden(t, "explain "+name, cobracli.ExplainText(st, log(), atNoon()))
		})
	}
	all := cases()
	golden(t, "list", cobracli.ListText([]bgtransform.Status{all["running"], all["stuck"], all["outside its window"], all["complete"], all["never started"]}, atNoon()))
	golden(t, "list_of_nothing", cobracli.ListText(nil, atNoon()))
}

// After a version without the old column nobody is told to begin anew, and what waits for a
// human is not said to go on by itself.
func TestAdviceAfterAContract(t *testing.T) {
	t.Parallel()
	for name, st := range cases() {
		text := cobracli.ExplainText(st, nil, atNoon())
		if strings.Contains(text, "transforms restart") && !st.Contracted.IsZero() {
			t.Errorf("%s: a restart is advised:\n%s", name, text)
		}
		if st.State == bgtransform.StateFailed && strings.Contains(text, "It goes on by itself") {
			t.Errorf("%s: it goes on by itself, and does not:\n%s", name, text)
		}
	}
}

// Colours are for terminals, and not for those who do not want them.
func TestColours(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		"a terminal":           {terminal: true, want: true},
		"a pipe":               {},
		"NO_COLOR":             {terminal: true, env: map[string]string{"NO_COLOR": "1"}},
		"a terminal of paper":  {terminal: true, env: map[string]string{"TERM": "dumb"}},
		"an ordinary terminal": {terminal: true, env: map[string]string{"TERM": "xterm"}, want: true},
	} {
		around := cobracli.Surroundings(func(name string) string { return test.env[name] }, func(any) bool { return test.terminal }, noon)
		text := cobracli.StatusText(io.Discard, cases()["running"], nil, nil, around)
		if got := strings.Contains(text, "\x1b["); got != test.want {
			t.Errorf("%s: escape sequences are there: %t, want %t in %q", name, got, test.want, text)
		}
	}
}

// What rows, errors and people have brought along gives no orders to a terminal.
func TestNothingGivesOrders(t *testing.T) {
	t.Parallel()
	st := cases()["failed"]
	st.LastError, st.Holder = "\x1b[2J", "\x1b]0;x\a"
	st.Reason.Text = "paused by \x1b[31mann"
	st.Tuned = []bgtransform.Tuned{{Setting: "WINDOW", Value: "\x1b[2J", By: "\a"}}
	log := []bgtransform.Action{{Action: "pause", By: "\x1b[2J", Why: "\x1b[2J"}}
	for what, text := range map[string]string{
		"status":  cobracli.StatusText(io.Discard, st, quarantined(), log, atNoon()),
		"explain": cobracli.ExplainText(st, log, atNoon()),
		"list":    cobracli.ListText([]bgtransform.Status{st}, atNoon()),
	} {
		if strings.ContainsAny(text, "\x1b\a") {
			t.Errorf("%s gives orders: %q", what, text)
		}
	}
}
