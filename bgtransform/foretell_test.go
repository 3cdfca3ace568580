package bgtransform

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// halfway is a record in the middle of its first pass: an hour of work is left in it,
// and the pass that follows takes a quarter.
func halfway(made time.Time) store.Record {
	rec := store.Record{
		Transform: store.Transform{Name: "x", State: string(StateRunning)},
		Intent:    store.Intent{Desired: store.Run},
		Range: store.Range{
			Pass: 1, Run: 1, Batches: 100, KeysInPass: 360_000, Keys: 360_000, Remaining: 360_000, FoundInPass: 360_000,
			RowsPerSec: 100, RatedSecs: 60, ReadRate: 800, BusyMS: 100_000, MeasuredMS: made.UnixMilli(),
		},
	}
	return rec
}

func forecastOf(rec store.Record, now time.Time) Forecast {
	return foretell(statusOf(rec, false), rec, holdersWindow, now)
}

func TestForecastStates(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 25, 21, 0, 0, 0, time.UTC) // a Wednesday
	for _, tc := range []struct {
		name   string
		change func(rec *store.Record)
		later  time.Duration
		want   ForecastState
		text   string
	}{
		{"at work", func(*store.Record) {}, 0, ForecastReady, "complete about 22:15"},
		{"in windows", func(rec *store.Record) { rec.Range.WindowText = "0 3 * * * for 40m in UTC" }, 0, ForecastReady, "complete on Friday about 03:34, in 2 windows"},
		{"in the next", func(rec *store.Record) { rec.Range.WindowText = "0 3 * * * for 4h in UTC" }, 0, ForecastReady, "complete on Thursday about 04:15, in the next window"},
		{"in those of an operator", func(rec *store.Record) {
			rec.Range.WindowText, rec.Intent.Settings = "never", `{"WINDOW":{"value":"0 3 * * * for 4h in UTC"}}`
		}, 0, ForecastReady, "complete on Thursday about 04:15, in the next window"},
		{"in this one", func(rec *store.Record) { rec.Range.WindowText = "0 20 * * * for 4h in UTC" }, 0, ForecastReady, "complete about 22:15, in this window"},
		{"weeks away", func(rec *store.Record) { rec.Range.WindowText = "0 3 * * 0 for 40m in UTC" }, 0, ForecastReady, "complete on 6 December 2026 about 03:34, in 2 windows"},
		{"outside its window", func(rec *store.Record) {
			rec.Range.WindowText = "0 3 * * * for 4h in UTC"
			rec.Transform.State, rec.Transform.ReasonCode, rec.Transform.Reason = string(StateWaiting), string(ReasonWindow), "opens at three"
		}, 0, ForecastReady, "complete on Thursday about 04:15, in the next window"},
		{"quarantine", func(rec *store.Record) { rec.Held = 3 }, 0, ForecastReady, "all but 3 rows in quarantine done about 22:15"},
		{"the last pass", func(rec *store.Record) {
			newPass(&rec.Range)
			rec.Range.Began, rec.Range.KeysInPass, rec.Range.Remaining = store.BeganClear, 240_000, 480_000
		}, 0, ForecastReady, "complete about 21:10"},
		{"too few batches", func(rec *store.Record) { rec.Range.Batches = 2 }, 0, ForecastMeasuring, "measuring"},
		{"no estimate", func(rec *store.Record) { rec.Range.Remaining = -1 }, 0, ForecastMeasuring, "measuring"},
		{"no rate", func(rec *store.Record) { rec.Range.RowsPerSec = 0 }, 0, ForecastMeasuring, "measuring"},
		{"a little late", func(*store.Record) {}, 76 * time.Minute, ForecastReady, "complete about 22:15"},
		{"late", func(*store.Record) {}, 2 * time.Hour, ForecastOverdue, "overdue: it was to be complete about 22:15"},
		{"paused", func(rec *store.Record) { rec.Transform.State, rec.Intent.Desired = string(StatePaused), store.Paused }, 9 * time.Hour, ForecastStopped, "about 1h15m0s of work left, but stopped: "},
		{"waits for another", func(rec *store.Record) {
			rec.Transform.State, rec.Transform.ReasonCode, rec.Transform.Reason = string(StateWaiting), string(ReasonDependency), "waits until y is complete"
		}, 0, ForecastStopped, "about 1h15m0s of work left, but stopped: waits until y is complete"},
		{"nobody does it", func(rec *store.Record) { rec.Range.HeartbeatMS, rec.NowMS = 1, 2+rec.Range.QuietMS }, 0, ForecastStopped, "has given no sign"},
		{"failed", func(rec *store.Record) {
			rec.Transform.State, rec.Transform.ReasonCode, rec.Transform.Reason = string(StateFailed), string(ReasonError), "it is broken"
		}, 0, ForecastStopped, "stopped: it is broken"},
		{"no window is long enough", func(rec *store.Record) {
			rec.Range.WindowText, rec.Range.BusyMS = "0 3 * * * for 1m in UTC", 100*120_000
		}, 0, ForecastStopped, "never opens for long enough"},
		{"no window for people of today", func(rec *store.Record) { rec.Range.WindowText = "when the moon is full" }, 0, ForecastStopped, "its window cannot be read here"},
		{"complete", func(rec *store.Record) { rec.Transform.State = string(StateComplete) }, 0, "", ""},
	} {
		rec := halfway(made)
		tc.change(&rec)
		f := forecastOf(rec, made.Add(tc.later))
		text := strings.ReplaceAll(f.String(), f.At.Format("15:04"), f.At.UTC().Format("15:04")) // without a window it is the machine's zone
		if f.State != tc.want || !strings.Contains(text, tc.text) || f.IsZero() != (tc.want == "") {
			t.Errorf("%s: %+v, %q; want %s, %q", tc.name, f, text, tc.want, tc.text)
		}
		if ready := f.State == ForecastReady || f.State == ForecastOverdue; f.At.IsZero() == ready {
			t.Errorf("%s: at %s, though it is %s", tc.name, f.At, f.State)
		}
	}
}

func TestForecastAsJSON(t *testing.T) {
	t.Parallel()
	rec := halfway(time.Date(2026, 11, 25, 21, 0, 0, 0, time.UTC))
	rec.Range.WindowText = "0 3 * * * for 40m in UTC"
	st := statusOf(rec, false)
	st.Finish = forecastOf(rec, st.Finish.Made)
	text, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"finish":{"state":"ready","at":"2026-11-27T03:34:48Z","windows":2,"left_seconds":4500,`,
		`"text":"complete on Friday about 03:34, in 2 windows"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the status is %s, want %s in it", text, want)
		}
	}
	if st.Finish = (Forecast{}); !json.Valid(text) {
		t.Error("not JSON")
	}
	if text, _ = json.Marshal(st); strings.Contains(string(text), "finish") {
		t.Errorf("without a forecast the status is %s", text)
	}
}
