package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// PoolMember is one process of the app, as it has announced itself. Times are this
// machine's, made of ages by the registry's clock.
type PoolMember struct {
	Instance  string                 `json:"instance"`
	App       string                 `json:"app,omitempty"`
	Version   string                 `json:"version,omitempty"`
	Build     string                 `json:"build,omitempty"`
	Live      bool                   `json:"live"`
	Stages    map[string]fleet.Stage `json:"stages,omitempty"` // by the transforms of the moves that it knows; of others it writes only the old column
	Started   time.Time              `json:"started,omitzero"` // by its own clock
	FirstSeen time.Time              `json:"first_seen"`
	LastSeen  time.Time              `json:"last_seen"`
	Gone      time.Time              `json:"gone,omitzero"`   // when it left, or its announcement expired; zero while it is live
	Silent    bool                   `json:"silent,omitzero"` // it is gone and has not left: it was killed, is frozen or cut off
}

// Fleet returns the instances of the pool: those that are live first, then those that
// were there within a week. Of one without a scheduler it is those in the database,
// unless [Control.WithFleet] says otherwise.
func (c *Control) Fleet(ctx context.Context) ([]PoolMember, error) {
	all, err := c.fleet.Members(ctx)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: look at the pool: %w", err)
	}
	return poolMembers(fleet.Pool(all), time.Now()), nil
}

// WithFleet returns a control like c that looks for the pool in another registry: that of
// the Config.Fleet which the app runs with.
func (c *Control) WithFleet(registry fleet.Registry) *Control {
	other := *c
	other.fleet, other.ownFleet = registry, false
	return &other
}

func poolMembers(p fleet.Pool, now time.Time) []PoolMember {
	out := make([]PoolMember, 0, len(p))
	for _, s := range p.Sorted() {
		m := PoolMember{
			Instance: s.Instance, App: s.App, Version: s.Version, Build: s.Build, Live: s.Live, Stages: s.Stages,
			Started: s.Started, FirstSeen: now.Add(-s.Joined), LastSeen: now.Add(-s.Seen),
		}
		if !s.Live {
			m.Gone, m.Silent = now.Add(-s.Gone), s.Silent()
		}
		out = append(out, m)
	}
	return out
}

// PoolStage is the stage of a move that one live instance is in.
type PoolStage struct {
	Instance string      `json:"instance"`
	Version  string      `json:"version,omitempty"`
	Build    string      `json:"build,omitempty"`
	Stage    fleet.Stage `json:"stage"`
	LastSeen time.Time   `json:"last_seen"`
}

// poolOf returns the live instances with their stages of a transform's move; none if it
// is not known to be one, and no instance knows it.
func poolOf(p fleet.Pool, name string, known bool, now time.Time) []PoolStage {
	var out []PoolStage
	for _, s := range p.Live() {
		_, knows := s.Stages[name]
		known = known || knows
		out = append(out, PoolStage{s.Instance, s.Version, s.Build, s.Stage(name), now.Add(-s.Seen)})
	}
	if !known {
		return nil
	}
	return out
}

// pool returns who is there, if transforms are there for which that matters. A registry that
// is down does not keep the rest of a status from being read.
func (c *Control) pool(ctx context.Context, recs []store.Record) fleet.Pool {
	if len(recs) == 0 || c.ownFleet && recs[0].Pooled == 0 {
		return nil
	}
	all, err := ask(ctx, poolTimeout, c.fleet.Members)
	if err != nil {
		return nil
	}
	return fleet.Pool(all)
}

// PhaseStatus is the phase of a column on the move, on this instance.
type PhaseStatus struct {
	Transform string         `json:"transform"`
	Asked     dualread.Phase `json:"asked"`           // by an operator, a flag or the code
	Held      dualread.Phase `json:"held"`            // in which reads are
	Reason    Reason         `json:"reason,omitzero"` // why that is not the one asked for
	Conflict  bool           `json:"conflict"`        // waiting does not end that: somebody has to do something

	// Moving says that it is on its way to the one asked for, or that the pool has not been
	// looked at yet: in a moment it will be different. An app may wait for that before it serves.
	Moving bool `json:"moving"`
}

// Phases returns the phases of the columns on the move, in the order in which their
// transforms were registered: of those that the pool holds (see [HeldColumn]).
func (s *Scheduler) Phases() []PhaseStatus {
	p := s.pool
	seen := p.look()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]PhaseStatus, len(p.held))
	for i, h := range p.held {
		held, _ := dualread.ParsePhase(string(h.stage))
		st := PhaseStatus{Transform: h.e.name, Asked: h.asked(), Held: held, Conflict: h.step.Conflict}
		why := h.step.Why
		if !h.known || time.Since(seen.at) > s.cfg.FleetRules.Trust {
			why = p.unseen(seen)
		}
		if st.Asked != st.Held && !st.Conflict {
			st.Moving = !h.known && seen.err == nil || h.known && (h.step.Moving && !h.behind || h.step.Stage != h.stage)
		}
		if st.Asked != st.Held || st.Conflict {
			st.Reason = Reason{Code: ReasonFleet, Text: why}
		}
		out[i] = st
	}
	return out
}
