package bgtransform

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Verification is how far the newest verification of a transform is, or what it
// has found.
type Verification struct {
	State  VerifyState `json:"state"`
	Reason string      `json:"reason,omitempty"` // why it was stopped, or has failed
	By     string      `json:"by"`               // who asked for it
	Sample float64     `json:"sample"`           // share of the rows that it looks at; 1: all
	Repair bool        `json:"repair"`

	Rows       int64 `json:"rows"`       // compared
	Mismatches int64 `json:"mismatches"` // of these, with a wrong value, repaired ones included
	Repaired   int64 `json:"repaired"`
	Pending    int64 `json:"pending"`   // rows that were pending; then the transform goes on
	Unchecked  int64 `json:"unchecked"` // rows for which the transform's code failed

	Progress float64   `json:"progress"` // share of the keys walked, 0 to 1; -1: not known
	Started  time.Time `json:"started,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
}

// VerifyState is where a verification is in its life.
type VerifyState string

// The states of a verification.
const (
	VerifyAsked   VerifyState = "asked" // no instance has begun it
	VerifyRunning VerifyState = store.VerifyRunning
	VerifyDone    VerifyState = store.VerifyDone
	VerifyStopped VerifyState = store.VerifyStopped
	VerifyFailed  VerifyState = store.VerifyFailed // it could not be done; see Reason
)

// Clean reports whether the verification came to its end and left nothing
// behind that is wrong, pending or unknown, among the rows that it looked at.
func (v Verification) Clean() bool {
	return v.State == VerifyDone && v.Mismatches == v.Repaired && v.Pending == 0 && v.Unchecked == 0
}

// underWay reports whether the verification has not come to its end.
func (v *Verification) underWay() bool {
	return v != nil && (v.State == VerifyAsked || v.State == VerifyRunning)
}

// withVerification adds the newest verification to a status.
func withVerification(st Status, rec store.Record, all map[string]store.Verification) Status {
	v, found := all[st.Transform]
	asked := verifyWanted(rec) && rec.Intent.Verify && rec.Intent.Verifies > rec.Range.Verifies
	switch {
	case asked:
		in := rec.Intent
		st.Verify = &Verification{State: VerifyAsked, By: in.ByWhom, Sample: in.VerifyShare, Repair: in.VerifyMend}
	case found:
		st.Verify = &Verification{
			State: VerifyState(v.State), Reason: v.Reason, By: v.ByWhom, Sample: v.Share, Repair: v.Mend,
			Rows: v.Checked, Mismatches: v.Wrong, Repaired: v.Repaired, Pending: v.Pending, Unchecked: v.Unchecked,
			Progress: verifyProgress(v, rec.Range), Started: at(v.StartedMS), Ended: at(v.EndedMS),
		}
		if st.State == StateComplete && st.Verify.Clean() && v.StartedMS >= rec.Transform.CompletedMS {
			st.Verified = st.Verify.Ended
		}
	}
	return st
}

func verifyProgress(v store.Verification, r store.Range) float64 {
	switch {
	case v.State == store.VerifyDone:
		return 1
	case v.State != store.VerifyRunning || r.Mode != store.ModeVerify || r.Remaining < 0:
		return -1
	case r.KeysInPass+r.Remaining == 0:
		return 0
	default:
		return float64(r.KeysInPass) / float64(r.KeysInPass+r.Remaining)
	}
}

// MismatchedRow is a row that the newest verification has something to say
// about. Its key may tell what the row holds: show it to operators only.
type MismatchedRow struct {
	Key      string    `json:"key"`               // the primary key's values, as in [QuarantinedRow]
	Class    string    `json:"class"`             // see [Mismatch]
	Columns  []string  `json:"columns,omitempty"` // which differ, if that is known
	Repaired bool      `json:"repaired"`
	Found    time.Time `json:"found"`
}

// Mismatches returns at most limit rows that the newest verification of a
// transform has found, in the order in which it has. The first 1000 are kept.
func (c *Control) Mismatches(ctx context.Context, name string, limit int) ([]MismatchedRow, error) {
	rows, err := c.store.Mismatches(ctx, name, limit)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	out := make([]MismatchedRow, len(rows))
	for i, m := range rows {
		out[i] = MismatchedRow{Key: keyText(m.Key), Class: m.Class, Repaired: m.Repaired, Found: at(m.FoundMS)}
		if m.Differs != "" {
			out[i].Columns = strings.Split(m.Differs, ", ")
		}
	}
	return out, nil
}

// Verify asks for a verification of a transform that is complete: each row, or a
// sample, is looked at again, in throttled batches within its window, and rows
// that do not hold what the transform makes of them are listed (see
// [Control.Mismatches]) and, if that is wanted, repaired. The transform stays
// complete meanwhile, unless rows turn up that are pending: then it goes on
// with them. What is found is in [Status]. A verification that is under way
// begins anew.
//
// Of a [Move] with Forward it asks the functions of the definition about each of these
// rows too. Those about which Go and SQL disagree ([MismatchDisagrees]) are listed, and
// never repaired: mend the definition, deploy it, and verify again.
//
// For this instance's own transforms it refuses those that cannot be verified
// with an error that says what to add; a control without a scheduler cannot
// know, and the verification fails with that reason.
func (c *Control) Verify(ctx context.Context, name string, o VerifyOptions, by By) error {
	err := o.validate()
	if err == nil {
		err = c.verifiable(name)
	}
	if err != nil {
		return fmt.Errorf("bgtransform: verify transform %q: %w", name, err)
	}
	if o.Sample == 0 {
		o.Sample = 1
	}
	return c.act(ctx, name, by, store.Change{
		Action: "verify", Desired: store.Run, Verify: &store.Verify{Begin: true, Share: o.Sample, Mend: o.Repair},
	})
}

// StopVerify ends a verification that is under way. What it has found and
// repaired so far stays.
func (c *Control) StopVerify(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "stop verify", Verify: &store.Verify{}})
}
