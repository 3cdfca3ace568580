package main

import (
	"fmt"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// release is one version of the app: a team deploys one after the other, and two
// of them live side by side for as long as each deploy takes. Here they share a
// binary, and -release chooses. All that differs between them is in the files
// release1.go to release4.go.
type release struct {
	number int
	does   string // for people: what it does with the two columns
	tracks tracks
	tally  string // of truth.go: what is wrong in a row by the columns that it has

	// length is the column on the move, in the releases that know both columns.
	length *dualread.Column[Track, int64]

	// joins is the phase that is right in the moment that it joins the pool, when it
	// has not seen the others yet; phase is the one that it is to come to. A flag
	// (BGTRANSFORM_PHASE=old) wins, and operators win over that.
	joins, phase dualread.Phase

	// contracted are the moves whose old column this release has no more.
	contracted []string
}

// newRelease returns a release by its number, 1 to 4.
func newRelease(number int) (release, error) {
	switch number {
	case 1:
		return release1(), nil
	case 2:
		return release2()
	case 3:
		return release3()
	case 4:
		return release4(), nil
	}
	return release{}, fmt.Errorf("there is no release %d", number)
}

// String is how people call it.
func (r release) String() string { return fmt.Sprintf("release %d (%s)", r.number, r.does) }

// moves reports whether the release has both columns, and so the transform.
func (r release) moves() bool { return r.length != nil }

// register gives the scheduler what the release has to move.
func (r release) register(sched *bgtransform.Scheduler) error {
	if !r.moves() {
		return nil
	}
	if err := r.length.SetPhase(r.joins); err != nil {
		return err
	}
	if err := sched.Register(lengthToMS(r.length)); err != nil {
		return err
	}
	return r.length.SetPhase(r.phase)
}

// check compares the move with the model.
func (r release) check(db bun.IDB) error {
	if !r.moves() {
		return nil
	}
	return r.length.Check(db)
}

// whole reports whether this instance reads whole seconds: those of the old column.
func (r release) whole() bool {
	return r.number == 1 || r.moves() && r.length.Phase() == dualread.PhaseOld
}

// written is what the truth is once this instance has written a length.
func (r release) written(ms int64) truth {
	if r.number == 1 {
		ms = ms / 1000 * 1000
	}
	return truth{LengthMS: &ms, Whole: r.number == 1}
}
