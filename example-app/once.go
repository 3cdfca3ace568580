package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/bgtransform/sidecar/bgtransform"
)

// outcome is how a run with -once ended.
type outcome struct {
	known    bool // else the app ran without -once, or not at all
	deployed bool // as a release among others
	status   bgtransform.Status
	tally    tally
	users    *traffic
}

// result is the line of JSON that -once ends with. Wrong and remaining come from
// the app's own query; -1 means that it could not be asked.
type result struct {
	Transform     string            `json:"transform"`
	Status        bgtransform.State `json:"status"`
	Rows          int64             `json:"rows"`        // changed by the transform; editors moved the others
	Quarantined   int64             `json:"quarantined"` // rows that block completion
	Remaining     int64             `json:"remaining"`   // rows still to be moved, bad ones aside
	Passes        int64             `json:"passes"`
	Attempts      int64             `json:"attempts"`
	Seconds       float64           `json:"seconds"` // of the run, from its start, however often it was interrupted
	RowsPerSecond float64           `json:"rows_per_second"`
	Wrong         int64             `json:"wrong"` // rows whose length_ms is not what the truth says
}

// fault returns an error unless everything is right. Why says why the transform is
// not complete; nil when it is.
func (o outcome) fault(why error) error {
	if why == nil && (o.tally.Wrong != 0 || o.tally.Remaining != 0) {
		why = fmt.Errorf("%s is complete, but %s", moveName, o.tally)
	}
	return errors.Join(why, o.users.fault())
}

// report writes the result.
func (o outcome) report(stdout io.Writer) error {
	st, seconds := o.status, runTime(o.status).Seconds()
	if st.State == "" {
		st.State = bgtransform.StatePending
	}
	res := result{
		Transform: moveName, Status: st.State, Rows: st.Rows, Quarantined: st.Quarantined,
		Remaining: o.tally.Remaining, Passes: st.Pass, Attempts: st.Attempt,
		Seconds: round(seconds), Wrong: o.tally.Wrong,
	}
	if seconds > 0 {
		res.RowsPerSecond = round(float64(st.Rows) / seconds)
	}
	return json.NewEncoder(stdout).Encode(res)
}

func round(f float64) float64 { return math.Round(f*1000) / 1000 }
