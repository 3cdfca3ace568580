package bgtransform

import (
	"encoding/json"
	"fmt"
	"time"
)

// Forecast says when a transform will be complete: in hours of open windows, with
// the pass that proves that nothing is left. It is made of what the last batch has
// measured, so that it stays as it is while nothing is done, and is overdue then.
type Forecast struct {
	State ForecastState

	// At is when the transform will be complete, in the time zone of the window that
	// it falls into. Zero unless there is a forecast.
	At time.Time

	// Windows is in how many windows, the one that is open included; 0 if the window
	// does not close until then.
	Windows int

	// Left is how long it will be at work, its pauses included and the time outside
	// the window not. It is known also for a transform that is stopped; 0 if not.
	Left time.Duration

	// Made is when the last batch was measured.
	Made time.Time

	// Quarantined is how many rows block completion. The time is then that at which
	// everything else is done.
	Quarantined int64

	// Why says why there is no time, for people.
	Why string
}

// ForecastState says what a [Forecast] is worth.
type ForecastState string

// The states of a forecast. It is empty for what has come to its end.
const (
	ForecastMeasuring ForecastState = "measuring" // too few batches yet, or no estimate of the rows
	ForecastReady     ForecastState = "ready"
	ForecastOverdue   ForecastState = "overdue" // the time has passed, and no batch has ended since that would give another
	ForecastStopped   ForecastState = "stopped" // it waits for something that no rate can tell, such as a person
)

// IsZero reports whether there is nothing to foretell.
func (f Forecast) IsZero() bool { return f == Forecast{} }

// String is the forecast for people: "complete on Thursday about 03:40, in 3 windows".
func (f Forecast) String() string {
	switch f.State {
	case ForecastMeasuring:
		return "measuring, no finish time yet"
	case ForecastReady:
		if f.Quarantined > 0 {
			return "all but " + rowCount(f.Quarantined) + " in quarantine done " + f.moment() + f.windows()
		}
		return "complete " + f.moment() + f.windows()
	case ForecastOverdue:
		return "overdue: it was to be complete " + f.moment()
	case ForecastStopped:
		if f.Left > 0 {
			return fmt.Sprintf("about %s of work left, but stopped: %s", roughly(f.Left), f.Why)
		}
		return "stopped: " + f.Why
	default:
		return ""
	}
}

// windows spells in how many windows.
func (f Forecast) windows() string {
	switch {
	case f.Windows == 0:
		return ""
	case f.Windows > 1:
		return fmt.Sprintf(", in %d windows", f.Windows)
	case f.At.Sub(f.Made) > f.Left+time.Second:
		return ", in the next window"
	default:
		return ", in this window"
	}
}

// moment spells At as exactly as it can be known.
func (f Forecast) moment() string {
	ahead := f.At.Sub(f.Made)
	made := f.Made.In(f.At.Location())
	switch {
	case ahead < 10*time.Minute:
		return "about " + f.At.Format("15:04:05")
	case made.YearDay() == f.At.YearDay() && ahead < 24*time.Hour:
		return "about " + f.At.Format("15:04")
	case ahead < 6*24*time.Hour:
		return "on " + f.At.Format("Monday about 15:04")
	default:
		return "on " + f.At.Format("2 January 2006 about 15:04")
	}
}

// roughly rounds a duration to what is worth saying.
func roughly(d time.Duration) time.Duration {
	switch {
	case d >= time.Hour:
		return d.Round(time.Minute)
	default:
		return max(time.Second, d.Round(time.Second))
	}
}

// MarshalJSON spells durations in seconds, and adds the text for people.
func (f Forecast) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		State       ForecastState `json:"state"`
		At          time.Time     `json:"at,omitzero"`
		Windows     int           `json:"windows,omitempty"`
		Left        int64         `json:"left_seconds,omitempty"`
		Made        time.Time     `json:"made,omitzero"`
		Quarantined int64         `json:"quarantined,omitempty"`
		Why         string        `json:"why,omitempty"`
		Text        string        `json:"text"`
	}{f.State, f.At, f.Windows, int64(f.Left.Round(time.Second).Seconds()), f.Made, f.Quarantined, f.Why, f.String()})
}
