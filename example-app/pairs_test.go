package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// TestPairs has every legal pair of releases side by side, with users in both, through
// each transition and each rollback, in real processes: no request may fail, and no
// value that was ever written may be lost. Every illegal pair and every early contract
// must be refused, with an error that says what to do.
func TestPairs(t *testing.T) {
	t.Parallel()
	databases := servers()
	databases["SQLite"] = func(t *testing.T) string { return filepath.Join(t.TempDir(), "catalogue.db") }
	for name, address := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPairs(t, address(t))
			p.beforeAndExpand()
			p.backAfterComplete()
			p.backByPhases()
			p.newOnly()
			p.gated()
			p.contracted()
			p.must("the end", p.end)
		})
	}
}

// TestWalk is the README's command.
func TestWalk(t *testing.T) {
	t.Parallel()
	p := spawn(t, nil, "walk", "-tracks", "1500")
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	contains(t, p.stdout.String(), "7. Contract", "the column length is dropped", "\n0 wrong, 0 failed\n")
}

// pairs is a walker that fails the test.
type pairs struct {
	*walker
	t *testing.T
}

func newPairs(t *testing.T, address string) *pairs {
	t.Helper()
	w, err := newWalker(t.Context(), address, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.binary = os.Getenv(binaryVariable)
	w.env = []string{"BGTRANSFORM_ROWS_PER_SECOND=400", "BGTRANSFORM_BATCH_SIZE=50"}
	w.tracks, w.calm = 1200, 200*time.Millisecond
	p := &pairs{w, t}
	t.Cleanup(p.ended)
	return p
}

// ended kills what is left, and shows what it said if the test has failed.
func (p *pairs) ended() {
	for _, d := range p.live {
		d.kill()
		if p.t.Failed() {
			p.t.Logf("release %d said: %s", d.release, d.stderr.String())
		}
	}
}

func (p *pairs) must(what string, steps ...step) {
	p.t.Helper()
	if err := inOrder(p.t.Context(), steps...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// refuses has a release try to start beside what is there.
func (p *pairs) refuses(release int, want ...string) {
	p.t.Helper()
	text, err := p.refused(p.t.Context(), release)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			p.t.Errorf("release %d says %q, want %q in it", release, text, part)
		}
	}
}

// tune has an operator ask for a phase; "" takes that back.
func (p *pairs) tune(phase string) step {
	return func(ctx context.Context) error {
		by := bgtransform.By{Who: "ann", Why: "back"}
		if phase == "" {
			return p.control.Untune(ctx, moveName, by, bgtransform.SettingPhase)
		}
		return p.control.Tune(ctx, moveName, by, map[bgtransform.Setting]string{bgtransform.SettingPhase: phase})
	}
}

// right compares the whole table, by the columns of release 2.
func (p *pairs) right(ctx context.Context) error {
	if got := truthOf(ctx, p.db, wrongBoth); got.Wrong != 0 || got.Remaining != 0 || got.Tracks < p.tracks {
		return errors.New(got.String())
	}
	return nil
}

// holds waits until the transform waits for an instance that writes only length.
func (p *pairs) holds(ctx context.Context) error {
	return p.untilStatus(ctx, "it waits for the pool", waitsForPool)
}

func (p *pairs) moving(ctx context.Context) error {
	return p.untilStatus(ctx, "some rows are moved", func(st bgtransform.Status) bool { return st.Rows > 200 })
}

// beforeAndExpand is 1 beside 2, with a rollback in the middle of the run.
func (p *pairs) beforeAndExpand() {
	p.must("before", p.deploy(1))
	p.refuses(3, "(version 1) is alive and in stage before", "replace it first by a version that writes both columns")
	p.refuses(4, "(version 1) is alive and in stage before", "replace it first by a version that writes both columns")
	p.early("no release 4 has been here yet", "deploy release 4 first")
	p.must("expand", p.deploy(2), p.holds, p.untilStage(2, fleet.Old), p.retire(1), p.moving)
	p.refuses(3, "in stage old", "tune "+moveName+" phase=compare")
	p.refuses(4, "in stage old", "tune "+moveName+" phase=new", "so rows are left")
	p.must("rollback in the middle", p.deploy(1), p.holds, p.retire(2), p.use)
	p.must("forward again", p.deploy(2), p.retire(1), p.untilComplete, p.right, p.untilStage(2, fleet.Compare))
	p.early("no release 4 has been here yet", "deploy release 4 first")
}

// backAfterComplete is a rollback to 1 when all was moved: what it writes is found.
func (p *pairs) backAfterComplete() {
	p.refuses(1, "in stage compare", "tune "+moveName+" phase=old")
	p.must("back to 1", p.tune("old"), p.untilStage(2, fleet.Old), p.deploy(1), p.retire(2), p.use)
	p.must("and to 2", p.tune(""), p.deploy(2), p.holds, p.retire(1), p.untilComplete, p.right, p.untilStage(2, fleet.Compare))
}

// backByPhases goes from each phase to the one before, and forward.
func (p *pairs) backByPhases() {
	for _, phase := range []string{"fallback", "old", "fallback"} {
		p.must("phase "+phase, p.tune(phase), p.untilStage(2, fleet.Stage(phase)), p.use)
	}
	p.refuses(1, "in stage fallback", "tune "+moveName+" phase=old")
	p.refuses(3, "in stage fallback", "tune "+moveName+" phase=compare")
	p.must("compare", p.tune(""), p.untilStage(2, fleet.Compare), p.right)
}

// newOnly is 2 beside 3, there and back.
func (p *pairs) newOnly() {
	p.refuses(4, "in stage compare", "tune "+moveName+" phase=new")
	p.must("3", p.deploy(3), p.untilStage(3, fleet.New), p.retire(2))
	p.refuses(1, "in stage new", "deploy a version in between")
	p.must("back to 2", p.deploy(2), p.retire(3), p.untilStage(2, fleet.Compare), p.right)
	p.must("3 again", p.deploy(3), p.retire(2), p.untilStage(3, fleet.New), p.right)
}

// gated is the contract before all the evidence is there.
func (p *pairs) gated() {
	p.refuses(4, "it was never verified", "example-app transforms verify "+moveName)
	p.must("verify", func(ctx context.Context) error {
		return p.control.Verify(ctx, moveName, bgtransform.VerifyOptions{}, bgtransform.By{Who: "ann"})
	}, p.gateOpens)
	p.quiet = 24 * time.Hour
	p.refuses(4, "want 24h", "example-app transforms reads "+moveName)
	p.quiet = 2 * time.Second
}

func (p *pairs) gateOpens(ctx context.Context) error {
	return p.until(ctx, "the gate opens", func() bool { return mayContract(ctx, p.db, p.quiet) == nil })
}

// contracted is 3 beside 4, there and back, and the end of the old column.
func (p *pairs) contracted() {
	p.must("4", p.deploy(4))
	p.refuses(1, "only the new column", "deploy a version whose reads are in phase new")
	p.refuses(2, "only the new column", "deploy a version whose reads are in phase new")
	p.early("the old column is still written by 1 of the instances", "(version 3)")
	p.must("3 has left", p.retire(3), p.use)
	p.must("back to 3", p.deploy(3), p.untilStage(3, fleet.New), p.retire(4), p.use)
	p.refuses(1, "only the new column", "deploy a version whose reads are in phase new")
	p.refuses(2, "only the new column", "deploy a version whose reads are in phase new")
	p.must("4 again", p.deploy(4), p.retire(3))
	p.must("contract", func(ctx context.Context) error { return dropLength(ctx, p.db, p.quiet, p.say) }, p.use)
	for release := 1; release <= 3; release++ {
		p.refuses(release, "the column length is dropped", "deploy that")
	}
	p.must("4 on its own", p.deploy(4), p.retire(4), p.retire(4))
}

// early tries the last migration too early.
func (p *pairs) early(want ...string) {
	p.t.Helper()
	err := dropLength(p.t.Context(), p.db, p.quiet, p.say)
	if err == nil {
		p.t.Fatal("length was dropped too early")
	}
	if _, refused := errors.AsType[*gate.Refusal](err); !refused && !strings.Contains(err.Error(), "deploy release 4 first") {
		p.t.Errorf("the contract says %v", err)
	}
	contains(p.t, err.Error(), want...)
}
