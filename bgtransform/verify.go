package bgtransform

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// VerifyOptions say how a verification is done.
type VerifyOptions struct {
	// Sample is the share of the rows that are looked at, from 0.0001 to 1.
	// They are runs of keys, spread over the whole table; another verification
	// takes others. Zero means 1: all rows.
	Sample float64

	// Repair writes rows again whose value is wrong, as the transform would
	// have. What the app writes to a row meanwhile survives, and so does a row about
	// which the Go code and the SQL of a Move disagree. With
	// Options.Journal the journal keeps what a repair overwrites, and a revert
	// restores it. Use it only while the app still writes both sides: once it
	// has ceased to write what the value is computed from, it is the new value
	// that is right.
	Repair bool
}

// minShare is the smallest share of a sample: one key in each of the longest
// stretches that are walked at once.
const minShare = 1.0 / longestStretch

func (o VerifyOptions) validate() error {
	if o.Sample != 0 && !(o.Sample >= minShare && o.Sample <= 1) {
		return fmt.Errorf("the sample is %v; it must be 0, which means all rows, or between %v and 1", o.Sample, minShare)
	}
	return nil
}

// VerifyRequest asks a [Verifier] for one verification.
type VerifyRequest struct {
	VerifyOptions       // Sample is never 0
	Number        int64 // counts the transform's verifications from 1
}

// Verifier is an optional extension of [Transform]: its rows can be looked at
// again after they were transformed. [Rows] and [SQL] have it.
type Verifier interface {
	// Verifiable returns nil, or an error that says what is missing. It must
	// not do I/O.
	Verifiable() error

	// OpenVerify prepares what [Transform].Open prepares, for a walk that looks
	// at rows whether they are pending or not. Its steps have no Failed and no
	// StillPending; they set Checked, and their Apply, which is called even
	// when nothing is to be written, returns Mismatches, and as Changed how
	// many rows it has repaired. Mismatches must still stand when Apply is
	// called: a row that the app changes meanwhile is none.
	OpenVerify(ctx context.Context, db *bun.DB, req VerifyRequest) (Stepper, error)
}

// Mismatch is a row that a verification has something to say about.
type Mismatch struct {
	Key      string   // the row's key as text, as in [RowFailure]
	Class    string   // one of the classes below, or, of another kind of transform, its own
	Columns  []string // which columns differ, if that is known
	Repaired bool     // it was wrong, and was written again
}

// The classes of mismatches.
const (
	// MismatchDiffers: what is stored is not what the transform makes of the row now.
	MismatchDiffers = "value differs"
	// MismatchRefused: the database refuses to store what the transform makes of the row now.
	MismatchRefused = "value refused by the database"
	// MismatchVaries: the code gave two results for the same row, or made
	// something else of it when it saw what is stored already. The row is never
	// repaired. Such code wants a condition instead: Wrong.
	MismatchVaries = "result varies"
	// MismatchDisagrees: what the definition of a [Move] says of the row in Go and in SQL
	// is not the same; the text that follows says which of its functions it is. The row
	// is never repaired, for nobody knows who is right: mend the definition.
	MismatchDisagrees = "Go and SQL disagree"
	// MismatchPending: the row is pending although the transform is complete. It
	// is no wrong value; the transform goes on instead.
	MismatchPending = "still pending"
	// MismatchUnchecked: nobody knows, because the code failed for the row, its
	// condition did in the database, or the model cannot hold what is stored.
	MismatchUnchecked = "not checked"
)

// verifierOf returns the transform as one that can be verified, or an error
// that says what it lacks.
func verifierOf(t Transform) (Verifier, error) {
	v, ok := t.(Verifier)
	if !ok {
		return nil, errors.New("this kind of transform cannot be verified: it does not implement bgtransform.Verifier")
	}
	return v, v.Verifiable()
}

// verifiable returns why one of this instance's transforms cannot be verified;
// nil for those of others.
func (s *Scheduler) verifiable(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.name == name {
			_, err := verifierOf(e.transform)
			return err
		}
	}
	return nil
}

func checkVerifySample(t Transform, share float64) error {
	if share == 0 {
		return nil
	}
	err := VerifyOptions{Sample: share}.validate()
	if err == nil {
		_, err = verifierOf(t)
	}
	if f, ok := t.(interface{ follows() bool }); ok && err == nil && f.follows() {
		err = errors.New("cannot be used with a Watermark: the app's changes make a transform that follows them complete again and again, and it would be verified without end; ask for a verification with Control.Verify instead")
	}
	if err != nil {
		return fmt.Errorf("Options.VerifySample: %w", err)
	}
	return nil
}
