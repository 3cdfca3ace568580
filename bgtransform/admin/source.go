package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// source is where what viewers see is read.
type source struct {
	sched   *bgtransform.Scheduler // nil: transforms run elsewhere
	control *bgtransform.Control
	gate    func(ctx context.Context, transform string) error // nil: not asked
}

// most bounds each list that is read for a transform.
const most = 50

// overview reads the state of all transforms. What cannot be read is left out, and Error
// says why.
func (s source) overview(ctx context.Context) overview {
	all, phases, err := s.statuses(ctx)
	pool, perr := s.control.Fleet(ctx)
	o := overview{Made: time.Now(), Transforms: make([]summary, len(all)), Pool: pool}
	if err == nil {
		err = perr
	}
	if err != nil {
		o.Error = plain(err)
	}
	for i, st := range all {
		o.Transforms[i] = summary{Status: st, Why: st.Why(), Allowed: allowed(st)}
		for _, p := range phases {
			if p.Transform == st.Transform {
				o.Transforms[i].Phase = &p
			}
		}
	}
	return o
}

// statuses returns those of this instance's transforms first, as it knows them, then
// those of others in the database.
func (s source) statuses(ctx context.Context) ([]bgtransform.Status, []bgtransform.PhaseStatus, error) {
	if s.sched == nil {
		all, err := s.control.Status(ctx)
		return all, nil, err
	}
	own, err := s.sched.Status(ctx)
	all, other := s.control.Status(ctx)
	if err == nil {
		err = other
	}
	for _, st := range all {
		if !slices.ContainsFunc(own, func(o bgtransform.Status) bool { return o.Transform == st.Transform }) {
			own = append(own, st)
		}
	}
	return own, s.sched.Phases(), err
}

// particulars are what is read for a single transform, besides its summary.
type particulars struct {
	quarantine []bgtransform.QuarantinedRow
	mismatches []bgtransform.MismatchedRow
	actions    []bgtransform.Action
}

func (s source) particulars(ctx context.Context, name string) (particulars, error) {
	var p particulars
	var errs [3]error
	p.quarantine, errs[0] = s.control.Quarantined(ctx, name, most)
	p.mismatches, errs[1] = s.control.Mismatches(ctx, name, most)
	p.actions, errs[2] = s.control.Actions(ctx, name, most)
	return p, errors.Join(errs[:]...)
}

// evidence is what speaks for a contract. It changes slowly, and costs more.
type evidence struct {
	reads *bgtransform.Reads
	gate  *gateAnswer
	err   error
}

func (s source) evidence(ctx context.Context, name string) evidence {
	var e evidence
	reads, err := s.control.Reads(ctx, name)
	if err == nil {
		e.reads = &reads
	}
	e.err = err
	if s.gate != nil {
		e.gate = s.askGate(ctx, name)
	}
	return e
}

// gateTime is how long the gate may take: it may look for a pending row.
const gateTime = 5 * time.Second

func (s source) askGate(ctx context.Context, name string) *gateAnswer {
	ctx, cancel := context.WithTimeout(ctx, gateTime)
	defer cancel()
	err := s.gate(ctx, name)
	refusal, refused := errors.AsType[*gate.Refusal](err)
	switch {
	case err == nil:
		return &gateAnswer{Open: true}
	case refused:
		return &gateAnswer{Missing: refusal.Missing}
	default:
		return &gateAnswer{Error: plain(err)}
	}
}

// allowed lists what makes sense to do with a transform now.
func allowed(st bgtransform.Status) []string {
	names := []string{}
	for _, a := range actions() {
		switch {
		case a.name == "untune" && len(st.Tuned) == 0, a.name == "run-now" && (st.Window == "always" || st.Window == ""):
		case a.named == "" || st.Allows(a.named):
			names = append(names, a.name)
		}
	}
	return names
}
