package admin

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

const (
	// shown is how far back a chart of rates goes.
	shown = 10 * time.Minute

	// mostSamples bounds what is kept for one transform: enough for the whole chart, if
	// each reading finds another rate.
	mostSamples = int(shown / every)

	// unwatched is the rate of a time in which nobody looked.
	unwatched = -1
)

// sample is a rate from some time on, until that of the next sample.
type sample struct {
	at   time.Time
	rate float64 // rows per second
}

// MarshalJSON writes milliseconds and rate: there are hundreds of samples.
func (s sample) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]float64{float64(s.at.UnixMilli()), s.rate})
}

// rates keeps the recent rates of each transform.
type rates struct {
	last time.Time // when they were read last; zero: never
	of   map[string][]sample
}

// add takes the rates of a reading, and gives each transform those that it has now. A
// long time since the last reading is one of which nothing is known.
func (r *rates) add(o *overview) {
	if o.Error != "" { // what was read may be old, or not be all
		for i := range o.Transforms {
			o.Transforms[i].rates = r.of[o.Transforms[i].Status.Transform]
		}
		return
	}
	missed := !r.last.IsZero() && o.Made.Sub(r.last) > 3*every
	kept := map[string][]sample{}
	for i := range o.Transforms {
		t := &o.Transforms[i]
		old := r.of[t.Status.Transform]
		if missed && len(old) > 0 {
			old = appended(old, sample{r.last, unwatched})
		}
		t.rates = appended(recent(old, o.Made.Add(-shown)), sample{o.Made, rateOf(t.Status)})
		kept[t.Status.Transform] = t.rates
	}
	r.last, r.of = o.Made, kept
}

// appended returns the samples with one more, unless it says nothing new. Those that were
// given out before are left as they are.
func appended(old []sample, s sample) []sample {
	if n := len(old); n > 0 && old[n-1].rate == s.rate {
		return old
	}
	return append(slices.Clip(old), s)
}

// recent leaves out what was over before a time, and what is more than may be kept.
func recent(old []sample, from time.Time) []sample {
	first := max(0, len(old)-(mostSamples-1))
	for first+1 < len(old) && !old[first+1].at.After(from) {
		first++
	}
	return old[first:]
}

// rateOf is the rate at which rows are moved now: none unless an instance is at it.
func rateOf(st bgtransform.Status) float64 {
	if (summary{Status: st}).AtWork() {
		return st.RowsPerSec
	}
	return 0
}
