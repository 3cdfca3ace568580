package bgtransform

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

func TestStuckSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	state := func(s State, code ReasonCode, until time.Duration) func(*store.Record) {
		return func(rec *store.Record) {
			rec.Transform.State, rec.Transform.ReasonCode, rec.Transform.Reason = string(s), string(code), "it says so"
			if until != 0 {
				rec.Transform.ReasonUntilMS = now.Add(until).UnixMilli()
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(rec *store.Record)
		since  time.Duration // before now; 0: not stuck
	}{
		"at work":                   {func(rec *store.Record) { rec.Range.AdvancedMS = ago(4 * time.Minute) }, 0},
		"no checkpoint for a while": {func(*store.Record) {}, time.Hour},
		"a limit of its own":        {func(rec *store.Record) { rec.Range.StuckMS = 2 * time.Hour.Milliseconds() }, 0},
		"nobody runs it": {func(rec *store.Record) {
			state(StatePending, ReasonNone, 0)(rec)
			rec.Range = store.Range{}
		}, 2 * time.Hour},
		"its instance was stopped":   {state(StateWaiting, ReasonStopped, 0), time.Hour},
		"the database is not there":  {state(StateWaiting, ReasonDatabase, 0), time.Hour},
		"its window is closed":       {state(StateWaiting, ReasonWindow, time.Hour), 0},
		"its window never opens":     {state(StateWaiting, ReasonWindow, 0), 0},
		"its window opened just now": {state(StateWaiting, ReasonWindow, -time.Minute), 0},
		"nobody came when it opened": {state(StateWaiting, ReasonWindow, -20*time.Minute), 20 * time.Minute},
		"rows are in quarantine":     {state(StateWaiting, ReasonQuarantine, 0), 0},
		"held back by a signal":      {state(StateWaiting, ReasonHealth, 0), 0},
		"paused":                     {func(rec *store.Record) { state(StatePaused, ReasonPaused, 0)(rec); rec.Intent.Desired = store.Paused }, 0},
		"failed":                     {state(StateFailed, ReasonError, 0), 0},
		"complete":                   {state(StateComplete, ReasonNone, 0), 0},
		"resumed just now": {func(rec *store.Record) {
			state(StatePaused, ReasonPaused, 0)(rec)
			rec.Intent.SinceMS = ago(time.Minute)
		}, 0},
		"resumed, and nobody heeds it": {func(rec *store.Record) {
			state(StatePaused, ReasonPaused, 0)(rec)
			rec.Intent.SinceMS = ago(9 * time.Minute)
		}, 9 * time.Minute},
	} {
		rec := store.Record{
			Transform: store.Transform{Name: "x", State: string(StateRunning), CreatedMS: ago(2 * time.Hour)},
			Intent:    store.Intent{Desired: store.Run},
			Range:     store.Range{Run: 1, Pass: 1, AdvancedMS: ago(time.Hour), HeartbeatMS: ago(time.Second), QuietMS: 35_000, StuckMS: 300_000},
			NowMS:     now.UnixMilli(), At: time.Now(),
		}
		tc.change(&rec)
		want := time.Time{}
		if tc.since > 0 {
			want = now.Add(-tc.since)
		}
		if got := stuckSince(statusOf(rec, false), rec, leastStuckAfter); !got.Equal(want) {
			t.Errorf("%s: stuck since %s, want %s", name, got, want)
		}
	}
}

// An attempt that takes up what a dead or failing holder has left does not begin to count anew.
func TestOverdue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		state    State
		code     ReasonCode
		advanced int64
		want     bool
	}{
		{StatePending, ReasonNone, 0, false},
		{StateRunning, ReasonNone, 5, true}, // its holder died
		{StateReverting, ReasonNone, 5, true},
		{StateWaiting, ReasonBackoff, 5, true},
		{StateWaiting, ReasonDatabase, 5, true},
		{StateWaiting, ReasonWindow, 5, false},
		{StateWaiting, ReasonStopped, 5, false},
		{StateFailed, ReasonError, 5, false},
		{StateComplete, ReasonNone, 5, false},
	} {
		a := &attempt{rec: store.Record{Range: store.Range{AdvancedMS: tc.advanced}}}
		if got := a.overdue(store.Transform{State: string(tc.state), ReasonCode: string(tc.code)}); got != tc.want {
			t.Errorf("%s, %q: overdue %t, want %t", tc.state, tc.code, got, tc.want)
		}
	}
}
