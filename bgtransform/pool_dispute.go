package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/internal/near"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// An instance that does not know the move, and came when reads were in phase new, is a
// very old version or the next one whose Config.Contracted was forgotten or misspelt. The
// first calls for a walk over all rows, which destroys what the second wrote. So the
// transform fails until somebody says which it was: a restart says that it was the first,
// Accept or the announcement of the same version in stage after that it was the second.
// What was complete is complete again then, for nothing was touched meanwhile.

// dispute returns what a human is asked before the rows of a transform are transformed
// again, if there is such an instance.
func (p *pool) dispute(e *entry, rec store.Record) (Reason, bool) {
	if !p.returned(e, rec) || e.settings.dryRun {
		return Reason{}, false
	}
	s, found := p.look().now().Disputed(e.name, rec.Ago(rec.Swept()))
	return disputes(e.name, s), found
}

// disputes says who is in dispute, and why. What is to be done about it depends on what
// happens later: see [inDispute].
func disputes(name string, s fleet.Sighting) Reason {
	text := s.String() + " does not know the move, and was there when reads had come to phase new"
	var after []string
	for move, stage := range s.Stages {
		if stage == fleet.After {
			after = append(after, move)
		}
	}
	slices.Sort(after)
	if meant := near.Name(name, after); meant != "" {
		text += fmt.Sprintf(" (its Config.Contracted names %q: perhaps misspelt)", meant)
	}
	return Reason{Code: ReasonFleet, Text: text}
}

// disputed reports whether a human was asked that.
func disputed(rec store.Record) bool {
	return State(rec.Transform.State) == StateFailed && rec.Transform.ReasonCode == string(ReasonFleet)
}

// inDispute returns the reason of a transform that is in dispute, with what ends it.
func inDispute(rec store.Record) Reason {
	t := rec.Transform
	ways := fmt.Sprintf("if its version writes only the new column, nothing is to be moved: deploy it with Config.Contracted naming %q, or accept that all rows stay as they are; if it writes only the old one, restart the transform, which overwrites the new column with the old", t.Name)
	if t.ContractedMS > 0 {
		ways = fmt.Sprintf("if its version writes only the new column, accept that all rows stay as they are; if it writes only the old one, what it wrote stands there alone, and nothing moves it any more, for a version without the old column has run since %s: copy it by hand before you accept",
			stamp(t.ContractedMS))
	}
	return Reason{Code: ReasonFleet, Text: t.Reason + ": " + ways}
}

// errDecided is returned where a dispute is over already, or was none.
var errDecided = errors.New("there is no dispute about it")

// askHuman puts a complete transform in dispute, unless something has happened to it since
// its record was read. What its run has come to stays as it is.
func (s *Scheduler) askHuman(ctx context.Context, read store.Record, asks Reason) error {
	act := store.Action{Name: read.Transform.Name, Action: "fleet", ByWhom: s.cfg.Instance, Why: clip("complete no longer: "+asks.Text, 2000)}
	return s.store.Decide(ctx, act, func(rec store.Record) (store.Decision, error) {
		if State(rec.Transform.State) != StateComplete || rec.Swept() != read.Swept() {
			return store.Decision{}, errDecided
		}
		return store.Decision{State: string(StateFailed), ReasonCode: string(asks.Code), Reason: asks.Text}, nil
	})
}

// askHuman ends an attempt at a complete transform that is in dispute.
func (a *attempt) askHuman(ctx context.Context, asks Reason) ending {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := a.s.askHuman(ctx, a.rec, asks); err != nil && !errors.Is(err, errDecided) {
		return a.lost(ctx, err)
	}
	return ending{reason: asks, wait: soon} // our own fence was raised
}

// settle ends a dispute, or gives up a new run that can never begin: nothing is to be moved
// of what anybody wrote so far.
func settle(ctx context.Context, st *store.Store, act store.Action) error {
	return st.Decide(ctx, act, func(rec store.Record) (store.Decision, error) {
		switch {
		case !disputed(rec) && !outdated(rec):
			return store.Decision{}, errDecided
		case rec.Transform.CompletedMS > 0:
			return store.Decision{State: string(StateComplete), Settled: true}, nil
		default: // rows are left, and may not be moved any more
			return store.Decision{State: string(StateWaiting), ReasonCode: string(ReasonFleet), Reason: contractedText(rec), Settled: true}, nil
		}
	})
}
