package bgtransform_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

// A run goes on while the last look at the pool is young, then it waits and says so; when
// the registry is back, it goes on.
func TestFleetRegistryDown(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3000)
	r := new(fleettest.Memory)
	cfg := member(t, "web-1", "1.5")
	cfg.Fleet, cfg.FleetRules.Trust = r, settle
	cfg.Limits.StartBatch, cfg.Limits.MaxBatch, cfg.Limits.RowsPerSecond = 5, 5, 100
	move, _ := moves(t)
	in := start(t, db, cfg, move)
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	r.Fail(errors.New("the registry is on fire"))
	failed := time.Now()
	st := in.until("x", "waiting", func(st bgtransform.Status) bool { return st.State == bgtransform.StateWaiting })
	if st.Reason.Text != "the pool cannot be seen: look at the pool: the registry is on fire" && st.Reason.Text != "the pool cannot be seen: announce this instance: the registry is on fire" {
		t.Errorf("it waits for %+v", st.Reason)
	}
	if passed := time.Since(failed); passed < settle/2 {
		t.Errorf("it waits after %s, want it to go on for about %s", passed, settle)
	}
	r.Fail(nil)
	must(t, in.Control().Tune(t.Context(), "x", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{bgtransform.SettingRowsPerSecond: "unlimited", bgtransform.SettingBatchMax: "1000"}))
	in.untilState("x", bgtransform.StateComplete)
}

// hung is a registry that never answers, and does not heed its context.
type hung struct{ released chan struct{} }

func (h hung) Announce(context.Context, fleet.Member, time.Duration) error { <-h.released; return nil }

func (h hung) Leave(context.Context, fleet.Member) error { <-h.released; return nil }

func (h hung) Members(context.Context) ([]fleet.Sighting, error) { <-h.released; return nil, nil }

// A registry that hangs holds up neither other transforms, nor boot, nor shutdown.
func TestFleetRegistryHangs(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	cfg := member(t, "web-1", "1.5")
	h := hung{make(chan struct{})}
	t.Cleanup(func() { close(h.released) })
	cfg.Fleet = h
	move, _ := moves(t)
	in := start(t, db, cfg, plain(), move)
	in.untilState("other", bgtransform.StateComplete)
	if st := in.untilReason("x", bgtransform.ReasonFleet); !strings.Contains(st.Here.Text, "the pool") {
		t.Errorf("it waits for %+v", st.Here)
	}
	began := time.Now()
	in.stop()
	if took := time.Since(began); took > 10*time.Second { // the registry never answers
		t.Errorf("it stopped after %s", took)
	}
}

// A registry that has lost its memory is a young pool: nothing goes on until it is old.
func TestFleetRegistryForgets(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3000)
	r := new(fleettest.Memory)
	cfg := member(t, "web-1", "1.5")
	cfg.Fleet, cfg.FleetRules.MinAge = r, settle
	cfg.Limits.StartBatch, cfg.Limits.MaxBatch, cfg.Limits.RowsPerSecond = 5, 5, 100
	move, _ := moves(t)
	in := start(t, db, cfg, move)
	in.until("x", "under way", func(st bgtransform.Status) bool { return st.Rows > 0 })
	r.Forget()
	st := in.until("x", "waiting", func(st bgtransform.Status) bool { return st.State == bgtransform.StateWaiting })
	// As before it has announced itself again, or after.
	text := strings.Contains(st.Reason.Text, "announces nothing") || st.Reason.Text == "no instance has announced itself"
	if st.Reason.Code != bgtransform.ReasonFleet || !text || st.Reason.Until.IsZero() {
		t.Errorf("it waits for %+v", st.Reason)
	}
	in.until("x", "under way again", func(st bgtransform.Status) bool { return st.State == bgtransform.StateRunning })
}

// Who stops leaves at once, and who is stopped for good is known by its version.
func TestFleetLeavesAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1)
		cfg := member(t, "web-1", "1.5")
		cfg.Build = "0123abc"
		move, _ := moves(t)
		in := start(t, db, cfg, move)
		untilKnown(t, in.Control(), "web-1", true)
		in.stop()
		outside, err := bgtransform.NewControl(db)
		must(t, err)
		all, err := outside.Fleet(t.Context())
		must(t, err)
		if len(all) != 1 || all[0].Live || all[0].Gone.IsZero() || all[0].Version != "1.5" || all[0].Build != "0123abc" || all[0].Stages["x"] == "" {
			t.Errorf("the pool is %+v", all)
		}
	})
}

// calls counts what is asked of a registry.
type calls struct {
	fleettest.Memory
	announced, looked chan struct{}
}

func (c *calls) Announce(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	c.announced <- struct{}{}
	return c.Memory.Announce(ctx, m, ttl)
}

func (c *calls) Members(ctx context.Context) ([]fleet.Sighting, error) {
	c.looked <- struct{}{}
	return c.Memory.Members(ctx)
}

// When everything is complete and nobody reads the new column, an instance announces itself
// and looks at the others once for each idle poll, and an announcement outlasts three.
func TestFleetIdleCosts(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	c := &calls{announced: make(chan struct{}, 1000), looked: make(chan struct{}, 1000)}
	cfg := member(t, "web-1", "1.5")
	cfg.Fleet, cfg.IdlePoll = c, 200*time.Millisecond
	cfg.FleetRules.Every = time.Millisecond
	cfg.FleetRules.TTL = 3 * time.Millisecond
	move, column := moves(t)
	must(t, column.SetPhase(dualread.PhaseOld))
	in := start(t, db, cfg, move)
	in.untilState("x", bgtransform.StateComplete)
	in.untilPhase("x", dualread.PhaseOld)
	eventually(t, func() bool { return in.Phases()[0].Reason.IsZero() }, func() { t.Error("the phase never came to rest") })
	drain := func() (announced, looked int) {
		for range len(c.announced) {
			<-c.announced
			announced++
		}
		for range len(c.looked) {
			<-c.looked
			looked++
		}
		return announced, looked
	}
	rest := time.NewTimer(time.Second)
	defer rest.Stop()
	<-rest.C
	drain()
	began := time.Now()
	rest.Reset(2 * time.Second)
	<-rest.C
	announced, looked := drain()
	if most := int(time.Since(began)/cfg.IdlePoll) + 1; announced > most || looked > most || announced == 0 || looked == 0 {
		t.Errorf("%d announcements and %d looks in %s, want 1 to %d of each", announced, looked, time.Since(began), most)
	}
	all, err := c.Memory.Members(t.Context())
	must(t, err)
	if len(all) != 1 || !all[0].Live {
		t.Errorf("the announcement did not last: %+v", all)
	}
}
