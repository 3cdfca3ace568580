package cobracli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// film is what a watched transform goes through, a status a second.
type film struct {
	frames []bgtransform.Status
	errs   map[int]error
	at     int
}

func (f *film) look(context.Context) ([]bgtransform.Status, error) {
	i := min(f.at, len(f.frames)-1)
	f.at++
	if err := f.errs[f.at-1]; err != nil {
		return nil, err
	}
	return []bgtransform.Status{f.frames[i]}, nil
}

func running(rows int64) bgtransform.Status {
	return bgtransform.Status{Transform: move, State: bgtransform.StateRunning, Run: 1, Rows: rows, Progress: float64(rows) / 1000, RowsPerSec: 10}
}

func ended(state bgtransform.State, reason bgtransform.Reason) bgtransform.Status {
	return bgtransform.Status{Transform: move, State: state, Run: 1, Rows: 1000, Progress: 1, Reason: reason}
}

func on(terminal bool) cobracli.Option {
	return cobracli.Surroundings(func(string) string { return "" }, func(any) bool { return terminal }, time.Now)
}

// On a terminal the lines change in place: each frame takes back what the one before has
// drawn, and nothing is left over.
func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := running(500)
		waits.State, waits.Reason = bgtransform.StateWaiting, bgtransform.Reason{Code: bgtransform.ReasonWindow, Text: "outside its window"}
		waits.Finish = bgtransform.Forecast{State: bgtransform.ForecastStopped, Why: "outside its window"}
		f := &film{frames: []bgtransform.Status{running(100), waits, ended(bgtransform.StateComplete, bgtransform.Reason{})}}
		var out bytes.Buffer
		if err := cobracli.Watch(t.Context(), &out, false, f.look, on(true)); err != nil {
			t.Fatal(err)
		}
		want := "\x1b[?7l[##------------------]  10%  track-length-ms  running  100 rows  10 walked/s\n\x1b[?7h" +
			"\x1b[1A\r\x1b[J\x1b[?7l[##########----------]  50%  track-length-ms  waiting  500 rows\n" +
			"    stopped: outside its window\n\x1b[?7h" +
			"\x1b[2A\r\x1b[J\x1b[?7l[####################] 100%  track-length-ms  complete  1,000 rows\n\x1b[?7h"
		if got := out.String(); got != want {
			t.Errorf("the terminal got\n%q\nwant\n%q", got, want)
		}
	})
}

// Elsewhere a line is written when something happens, and every ten seconds while rows
// move: not every second, and never with an escape sequence.
func TestWatchInAPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &film{}
		for i := range 25 {
			f.frames = append(f.frames, running(int64(i)))
		}
		paused := running(25)
		paused.State, paused.Reason = bgtransform.StatePaused, bgtransform.Reason{Code: bgtransform.ReasonPaused, Text: "paused by ann: lunch"}
		for range 30 {
			f.frames = append(f.frames, paused)
		}
		f.frames = append(f.frames, ended(bgtransform.StateFailed, bgtransform.Reason{Code: bgtransform.ReasonError, Text: "it broke"}))
		var out bytes.Buffer
		err := cobracli.Watch(t.Context(), &out, false, f.look, on(false))
		if code := cobracli.ExitCode(err); code != cobracli.ExitNotYet || err.Error() != "track-length-ms is failed: it broke" {
			t.Errorf("it ends with %v, exit code %d, want 3 and what has failed", err, code)
		}
		want := strings.Join([]string{
			"track-length-ms is running, 0 rows changed, 0% done, 10 walked/s",
			"track-length-ms is running, 10 rows changed, 1% done, 10 walked/s",
			"track-length-ms is running, 20 rows changed, 2% done, 10 walked/s",
			"track-length-ms is paused, 25 rows changed, 2% done: paused by ann: lunch",
			"track-length-ms is failed, 1,000 rows changed, 100% done: it broke", "",
		}, "\n")
		if got := out.String(); got != want {
			t.Errorf("the pipe got\n%s\nwant\n%s", got, want)
		}
	})
}

// Programs get a status a line, whenever it has changed.
func TestWatchInJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &film{frames: []bgtransform.Status{running(1), running(1), running(2), ended(bgtransform.StateReverted, bgtransform.Reason{})}}
		var out bytes.Buffer
		must(t, cobracli.Watch(t.Context(), &out, true, f.look, on(true)))
		var rows []int64
		for line := range strings.Lines(out.String()) {
			var st bgtransform.Status
			must(t, json.Unmarshal([]byte(line), &struct {
				*bgtransform.Status
				Finish any `json:"finish"`
			}{Status: &st}))
			rows = append(rows, st.Rows)
		}
		if len(rows) != 3 || rows[0] != 1 || rows[1] != 2 || rows[2] != 1000 {
			t.Errorf("the rows of the lines are %v, want each change once", rows)
		}
	})
}

// A database that is away for a while ends nothing; one that is away from the start, or
// for good, does.
func TestWatchWithoutAnswer(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	synctest.Test(t, func(t *testing.T) {
		f := &film{frames: []bgtransform.Status{running(1), running(1), running(1), ended(bgtransform.StateComplete, bgtransform.Reason{})}, errs: map[int]error{1: away, 2: away}}
		must(t, cobracli.Watch(t.Context(), new(bytes.Buffer), false, f.look, on(false)))

		f = &film{frames: []bgtransform.Status{running(1)}, errs: map[int]error{0: away}}
		if err := cobracli.Watch(t.Context(), new(bytes.Buffer), false, f.look, on(false)); !errors.Is(err, away) {
			t.Errorf("without a first answer it ends with %v", err)
		}
		f = &film{frames: []bgtransform.Status{running(1)}, errs: map[int]error{}}
		for i := 1; i < 100; i++ {
			f.errs[i] = away
		}
		if err := cobracli.Watch(t.Context(), new(bytes.Buffer), false, f.look, on(false)); !errors.Is(err, away) || f.at < 60 {
			t.Errorf("after %d looks without an answer it ends with %v, want the error after a minute", f.at, err)
		}
	})
}

// Ctrl-C is a good end of watching, and a verification under way is waited for.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		must(t, cobracli.Watch(ctx, new(bytes.Buffer), false, (&film{frames: []bgtransform.Status{running(1)}}).look, on(false)))
		if ctx.Err() == nil {
			t.Error("it ended before it was told to")
		}
		verifying := ended(bgtransform.StateComplete, bgtransform.Reason{})
		verifying.Verify = &bgtransform.Verification{State: bgtransform.VerifyRunning, Rows: 10, Progress: 0.5}
		var out bytes.Buffer
		f := &film{frames: []bgtransform.Status{verifying, verifying, ended(bgtransform.StateComplete, bgtransform.Reason{})}}
		must(t, cobracli.Watch(t.Context(), &out, false, f.look, on(false)))
		if f.at != 3 || !strings.Contains(out.String(), "verification running, 10 rows compared, 50% done") {
			t.Errorf("it looked %d times, want 3, and said %q", f.at, out.String())
		}
	})
}
