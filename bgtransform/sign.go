package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// signEvery is how often an unchanged reason is written again.
const signEvery = 10 * time.Minute

// fleetEvery is how often it is written what the pool is waited for, in which there are ages.
const fleetEvery = 30 * time.Second

// sign writes why this instance does not advance a transform, for those who
// look from outside of it. What the database knows anyway is left out.
func (s *Scheduler) sign(ctx context.Context, e *entry, r Reason) {
	if !s.ready.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	var err error
	switch r.Code {
	case ReasonDisabled, ReasonWindow, ReasonDependency, ReasonFleet, ReasonLocker, ReasonFlags, ReasonSettings, ReasonClaim, ReasonDryRun, ReasonLeaseLost:
		since := time.Since(e.signedAt)
		if e.signed == r.Text && since < signEvery || r.Code == ReasonFleet && e.signedFor == r.Code && since < fleetEvery {
			return
		}
		err = s.store.Sign(ctx, store.Sign{
			Name: e.name, Instance: s.cfg.Instance, ReasonCode: string(r.Code), Reason: r.Text, ReasonUntilMS: millis(r.Until),
		})
		e.signed, e.signedFor, e.signedAt = r.Text, r.Code, time.Now()
	default:
		if e.signed == "" {
			return
		}
		// What could not be removed, because the scheduler stops, unsign removes.
		if err = s.store.Unsign(ctx, s.cfg.Instance, e.name); err == nil {
			e.signed, e.signedFor = "", ReasonNone
		}
	}
	if err != nil {
		s.cfg.Logger.DebugContext(ctx, "bgtransform: cannot write why it waits", "transform", e.name, "class", s.d.Classify(err))
	}
}

// unsign removes what this instance said, as it stops.
func (s *Scheduler) unsign(ctx context.Context, entries []*entry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, e := range entries {
		if e.signed != "" && s.store.Unsign(ctx, s.cfg.Instance, e.name) != nil {
			return // it grows old
		}
	}
}
