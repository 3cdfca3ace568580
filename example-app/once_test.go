package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestOnceWithTraffic(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "catalogue.db")
	p := startOn(t, path, nil, "-once", "-tracks", "20000")
	res := isComplete(t, p, -1)
	if res.Rows < 15_000 || res.Rows > 20_000 || res.Passes < 2 || res.Attempts < 1 || res.Seconds <= 0 || res.RowsPerSecond <= 0 {
		t.Errorf("result %+v; want most of 20000 rows, a second pass, an attempt, and some time", res)
	}
	users := regexp.MustCompile(`users read ([\d,]+) times, edited ([\d,]+) tracks.*: 0 wrong answers, 0 failed`).FindStringSubmatch(p.stderr.String())
	if users == nil {
		t.Fatal("nothing is said of the traffic")
	}
	for _, n := range users[1:] {
		if n, err := strconv.Atoi(strings.ReplaceAll(n, ",", "")); err != nil || n < 10 {
			t.Errorf("%q: there was hardly any traffic", users[0])
		}
	}
	db := openTest(t, path)
	if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL OR length_ms / 1000 <> length"); n != 0 {
		t.Errorf("%d rows are not as they should be, want 0", n)
	}
	if n := count(t, db, "SELECT count(*) FROM truth WHERE edits > 0"); n < 10 {
		t.Errorf("%d rows were edited meanwhile; too few to mean anything", n)
	}
}

// TestOnceLastLine has telemetry write to stdout too: the result comes after it.
func TestOnceLastLine(t *testing.T) {
	t.Parallel()
	env := []string{"OTEL_TRACES_EXPORTER=console", "OTEL_METRICS_EXPORTER=console"}
	p := startOn(t, filepath.Join(t.TempDir(), "catalogue.db"), env, "-once", "-tracks", "500")
	isComplete(t, p, -1)
	contains(t, p.stdout.String(), "bgtransform.batch", "bgtransform.dualread.fallbacks")
}

// TestShortWindows moves the rows in windows of three seconds, which hold 3000 rows at
// most: it says why it waits in between and until when, and ends complete.
func TestShortWindows(t *testing.T) {
	t.Parallel()
	env := []string{"BGTRANSFORM_ROWS_PER_SECOND=1000"}
	p := startOn(t, filepath.Join(t.TempDir(), "catalogue.db"), env, "-once", "-tracks", "4000", "-traffic=false", "-window", "every 5s for 3s")
	isComplete(t, p, 4000)
	says := regexp.MustCompile(`track-length-ms is \w+: (its window closes at|its window closed while|outside its window).*opens at \w+ \d\d:\d\d(:\d\d)? UTC`)
	if said := p.stderr.String(); !says.MatchString(said) {
		t.Error("the app does not say why it waits and until when")
	}
	contains(t, p.stderr.String(), "track-length-ms goes on: its window has opened")
}

// TestMoreTracks adds old rows to a catalogue whose transform is complete.
func TestMoreTracks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "catalogue.db")
	isComplete(t, startOn(t, path, nil, "-once", "-tracks", "300", "-traffic=false"), 300)
	again := startOn(t, path, nil, "-once", "-traffic=false") // asks for no more
	if res := isComplete(t, again, 300); res.Attempts != 1 {
		t.Errorf("a start after the end made attempt %d, want none", res.Attempts)
	}
	more := startOn(t, path, nil, "-once", "-tracks", "1000", "-traffic=false")
	isComplete(t, more, 700)
	if !strings.Contains(more.stderr.String(), "700 old tracks have come since") {
		t.Error("the app does not say why it restarts the transform")
	}
}

func TestOnceWithoutAnEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  []string
		args []string
		says string
		want result
	}{
		"bad tracks": {args: []string{"-bad", "3"}, says: "3 rows", want: result{Status: "waiting", Rows: 500, Quarantined: 3}},
		"disabled":   {env: []string{"BGTRANSFORM_ENABLED__TRACK_LENGTH_MS=false"}, says: "disabled", want: result{Status: "pending", Remaining: 500}},
		"dry run":    {env: []string{"BGTRANSFORM_DRY_RUN=true"}, says: "dry run", want: result{Status: "waiting", Remaining: 500}},
		"bad flag":   {env: []string{"BGTRANSFORM_ROWS_PER_SECOND=fast"}, says: `BGTRANSFORM_ROWS_PER_SECOND="fast"`, want: result{Status: "pending", Remaining: 500}},
		"near flag":  {env: []string{"BGTRANSFORM_ROW_PER_SECOND=5"}, says: "BGTRANSFORM_ROWS_PER_SECOND", want: result{Status: "pending", Remaining: 500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-once", "-tracks", "500", "-traffic=false"}, tc.args...)
			p := startOn(t, filepath.Join(t.TempDir(), "catalogue.db"), tc.env, args...)
			code, res := p.exit(t), p.result(t)
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.Contains(p.stderr.String(), tc.says) {
				t.Errorf("stderr does not say %q", tc.says)
			}
			if res.Status != tc.want.Status || res.Quarantined != tc.want.Quarantined || res.Remaining != tc.want.Remaining || res.Wrong != 0 {
				t.Errorf("result %+v, want %+v", res, tc.want)
			}
		})
	}
}

// TestNewTooEarly asks for phase new before the rows are moved: nobody gets it until then.
func TestNewTooEarly(t *testing.T) {
	t.Parallel()
	env := []string{"BGTRANSFORM_PHASE=new", "BGTRANSFORM_ROWS_PER_SECOND=300"}
	p := startOn(t, filepath.Join(t.TempDir(), "catalogue.db"), env, "-once", "-tracks", "500")
	isComplete(t, p, -1)
	p.says(t, ": 0 wrong answers, 0 failed requests")
}

// TestWrongAnswersAreCounted changes lengths behind the app's back: its users notice.
func TestWrongAnswersAreCounted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "catalogue.db")
	isComplete(t, startOn(t, path, nil, "-once", "-tracks", "500", "-traffic=false"), 500)
	if _, err := openTest(t, path).ExecContext(t.Context(), "UPDATE tracks SET length = length + 1, length_ms = length_ms + 1000"); err != nil {
		t.Fatal(err)
	}
	p := startOn(t, path, []string{"BGTRANSFORM_ROWS_PER_SECOND=300"}, "-once", "-tracks", "1000")
	if code := p.exit(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p.says(t, "the truth is")
}

// TestRaces runs everything at once, with the race detector if this test has it.
func TestRaces(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "catalogue.db")
	env := []string{childVariable + "=1", "BGTRANSFORM_ROWS_PER_SECOND=150", "BGTRANSFORM_BATCH_SIZE=20", "LOG_LEVEL=debug"}
	p := spawnBinary(t, self, env, "-db", path, "-tracks", "500", "-bad", "1")
	p.moves(t, 50)
	ask(t, path, 0, "pause", moveName)
	p.reaches(t, bgtransform.StatePaused)
	ask(t, path, 0, "resume", moveName)
	eventually(t, "the quarantine blocks completion", func() bool {
		return p.status(t).Reason.Code == bgtransform.ReasonQuarantine
	})
	ask(t, path, 0, "accept", moveName)
	p.says(t, ": 0 wrong answers, 0 failed requests")
	p.signal(t, os.Interrupt)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
