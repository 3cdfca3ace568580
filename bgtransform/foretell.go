package bgtransform

import (
	"cmp"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// enoughBatches is how many batches a run must have done before its rate says
// anything: the first ones find out how large a batch may be.
const enoughBatches = 5

// foretell makes the forecast of a status from the record that it was made of.
// Of gives the window that counts for it.
func foretell(st Status, rec store.Record, of func(store.Record) (window.Window, error), now time.Time) Forecast {
	if st.State == StateComplete && !st.Verify.underWay() || st.State == StateReverted || st.State == StateCancelled {
		return Forecast{}
	}
	r := rec.Range
	f := Forecast{State: ForecastMeasuring, Made: at(r.MeasuredMS), Quarantined: st.Quarantined}
	left, measured := workLeft(r)
	if measured = measured && !anewAsked(rec); measured {
		f.Left = left
	}
	if why, stopped := standstill(st); stopped {
		f.State, f.Why = ForecastStopped, why
		return f
	}
	if !measured {
		return f
	}
	w, err := of(rec)
	if err != nil {
		f.State, f.Why = ForecastStopped, "its window cannot be read here: "+err.Error()
		return f
	}
	work := workload{left: left, batch: time.Duration(r.BusyMS/r.Batches) * time.Millisecond}
	work.every = max(work.batch, seconds(float64(r.Keys)/float64(r.Batches)/r.RowsPerSec))
	finish, windows, ok := walkWindows(w, f.Made, work)
	if !ok {
		f.State, f.Why = ForecastStopped, "its window never opens for long enough"
		return f
	}
	f.State, f.At, f.Windows = ForecastReady, finish, windows
	if now.After(f.At.Add(max(left/10, overdueSlack))) {
		f.State = ForecastOverdue
	}
	return f
}

// overdueSlack is how late a forecast may be before it is overdue, at least.
const overdueSlack = 10 * time.Second

// workLeft returns for how long the run will be at work, with its pauses: in this
// pass, and in another one that proves that nothing is left, where this one
// cannot. It reports false as long as too little was measured.
func workLeft(r store.Range) (time.Duration, bool) {
	if r.Remaining < 0 || r.RowsPerSec <= 0 || r.Batches < enoughBatches {
		return 0, false
	}
	left := float64(r.Remaining) / r.RowsPerSec
	if r.Mode == store.ModeTransform && (r.FoundInPass > 0 || r.Began != store.BeganClear) {
		left += float64(r.KeysInPass+r.Remaining) / cmp.Or(r.ReadRate, r.RowsPerSec)
	}
	return seconds(left), true
}

// seconds returns a duration of a hundred years at most.
func seconds(s float64) time.Duration {
	const most = 100 * 365 * 24 * 3600
	return time.Duration(min(s, most) * float64(time.Second))
}

// standstill reports whether a transform waits for something of which nobody can tell
// how long it takes, and for what. A window, a pause, a backoff and the change from
// one instance to another are part of any run.
func standstill(st Status) (why string, stopped bool) {
	reason := st.Why()
	switch reason.Code {
	case ReasonNone, ReasonWindow, ReasonThrottle, ReasonHealth, ReasonBackoff, ReasonWriters, ReasonHeld, ReasonClaim, ReasonStopped, ReasonLeaseLost, ReasonLocker, ReasonDatabase:
		return reason.Text, st.State == StatePaused || st.State == StateFailed
	case ReasonDryRun:
		return "nothing but a dry run was asked for", true // whose text has a finish of its own
	default:
		return reason.Text, true
	}
}

// nextWindow is the window of the holder, or, while there is none, of this instance,
// which may be the next: its flags may have changed since.
func (e *entry) nextWindow(rec store.Record) (window.Window, error) {
	if rec.Range.HeartbeatMS == 0 {
		rec.Range.WindowText = e.settings.pace(flagValues{}).window.String()
	}
	return holdersWindow(rec)
}

// holdersWindow is the window that operators have set, or else that of the attempt
// that worked last.
func holdersWindow(rec store.Record) (window.Window, error) {
	text, err := holdersText(rec)
	if err != nil {
		return window.Window{}, err
	}
	if text == "" {
		return window.Always(), nil
	}
	return window.Parse(text)
}

// holdersText is the text of that window; empty if there is none yet.
func holdersText(rec store.Record) (string, error) {
	changed, err := rec.Intent.Changed()
	if set, ok := changed[string(SettingWindow)]; ok {
		return set.Value, err
	}
	return rec.Range.WindowText, err
}
