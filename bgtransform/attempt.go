package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// attempt is one holding of the lease, from the claim to the hand-over. It is
// used by one goroutine.
type attempt struct {
	s   *Scheduler
	e   *entry
	log *slog.Logger

	fence store.Attempt
	rec   store.Record // as last committed by us
	skips Skips        // keys in quarantine that are not to be tried again
	bad   int64        // of these, those that no operator has accepted

	retried Skips // keys in quarantine that are to be tried again

	stepper   Stepper
	opened    string             // the mode that the stepper is of
	verify    store.Verification // as last committed by us, in the mode verify
	pacer     *throttle.Pacer
	rate      rate
	retry     backoff.Backoff // of batches
	first     bool            // no batch of this attempt has changed a row yet
	looked    time.Time       // when it was last read what operators want; zero: it must be
	estimated time.Time       // when the remaining rows were last estimated
	batchAt   time.Time       // when the last batch began
	beat      time.Time       // when the database last had a sign of life
	notBefore time.Time       // user code asked not to be called before
	poolAt    time.Time       // when it was last looked whether the pool is ready
	unsure    bool            // a commit may have taken place without our knowing
	halted    bool            // a health signal has asked to stop

	claimed    store.Range // as the attempt began
	changedAt  int64       // rows changed when this attempt's part of the pass began
	lockedRows int         // one after the other, that were left to the next pass
	lockedErr  error       // why the last of them was, in this pass
	awaited    awaited     // what the pass waits for before it begins
}

// ending is how an attempt leaves a transform.
type ending struct {
	state  State // empty: as it is, because we may not write any more
	reason Reason
	wait   time.Duration // before this instance looks again; 0: when woken
	err    error         // what went wrong, if anything did; nil for interrupts
}

// hold claims the transform and works on it until it is over or interrupted.
// stop ends when the scheduler stops; ctx when the lease is lost or the grace
// is over.
func (s *Scheduler) hold(stop, ctx context.Context, e *entry, again *backoff.Backoff) pause {
	ctx, release := s.vigil(ctx)
	defer release()
	// The lease may have been free because the transform is over.
	rec, err := s.record(ctx, e)
	if err == nil {
		if reason, settled := s.wanted(e, rec); settled {
			return pause{reason: reason}
		}
		if p, waits := finishedElsewhere(e, rec); waits {
			return p
		}
	}
	a, err := s.claim(ctx, e)
	err = withCause(ctx, err)
	if errors.Is(err, lease.ErrLost) {
		return pause{Reason{Code: ReasonLeaseLost, Text: "this instance lost the lease"}, attentive}
	}
	if err != nil && s.classify(err) == dialect.Transient {
		return pause{claimReason(), attentive}
	}
	if err != nil {
		wait := again.Next()
		return pause{s.databaseReason(err, wait), wait}
	}
	if reason, settled := s.wanted(e, a.rec); settled {
		// It has come to its end between the look and the claim.
		r := a.rec.Range
		if err := a.fence.Tx(ctx, &r, a.fence.Leave); err != nil {
			wait := again.Next()
			return pause{s.databaseReason(err, wait), wait}
		}
		return pause{reason: reason}
	}
	watched, end := a.life(stop, ctx)
	if a.verifiesItself(end) {
		end.wait = soon
	}
	if end.err == nil || a.advanced() {
		again.Reset()
	}
	if end.wait < 0 { // an error whose backoff is the loop's
		end.wait = again.Next()
		end.reason.Until = time.Now().Add(end.wait)
	}
	err = a.leave(ctx, end)
	if watched != nil {
		s.watch.runEnd(watched, a.runEnd(end, err))
	}
	if err != nil && end.state != "" {
		wait := again.Next()
		return pause{s.databaseReason(err, wait), wait}
	}
	return pause{end.reason, end.wait}
}

// advanced reports whether the attempt has come further than the one before it, so
// that the error that ends it is not one more of the same.
func (a *attempt) advanced() bool {
	was, is := a.claimed, a.rec.Range
	return is.Changed > was.Changed || (is.Pass == was.Pass && is.KeysInPass > was.KeysInPass)
}

func (s *Scheduler) claim(ctx context.Context, e *entry) (*attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	if err := lease.Trusted(ctx); err != nil {
		return nil, err
	}
	fence, rec, err := s.store.Claim(ctx, e.name, s.cfg.Instance)
	if err != nil {
		return nil, err
	}
	a := &attempt{
		s: s, e: e, fence: fence, rec: rec, first: true,
		log:   s.logger(e).With("attempt", fence.Number),
		pacer: e.pacer,
		retry: backoff.Backoff{Min: 50 * time.Millisecond, Max: 5 * time.Second},
		beat:  time.Now(),

		claimed: rec.Range, changedAt: rec.Range.Changed,
		rate: rateOf(rec.Range),
	}
	a.rec.Range.QuietMS = (s.cfg.LeaseTTL + quietLeeway).Milliseconds()
	a.rec.Range.StuckMS = s.cfg.StuckAfter.Milliseconds()
	return a, nil
}

// quietLeeway is how much longer than the lease's ttl a batch may keep a holder
// from giving a sign.
const quietLeeway = 5 * time.Second

// life is the attempt between claim and hand-over. It returns the context that
// the observers were given, or nil when there was nothing to tell them.
func (a *attempt) life(stop, ctx context.Context) (context.Context, ending) {
	if end, over := a.obey(ctx, a.rec.Intent); over {
		return nil, end
	}
	if end, over := a.adopt(ctx); over {
		return nil, end
	}
	if end, over := a.resweep(ctx); over {
		return nil, end
	}
	a.e.unwatch = a.watchHealth(stop, ctx)
	ctx = a.begin(ctx)
	if a.e.settings.dryRun {
		return ctx, a.dryRun(stop, ctx)
	}
	if err := a.open(ctx); err != nil {
		return ctx, a.opening(ctx, err)
	}
	for {
		end, over := a.turn(stop, ctx)
		if over {
			return ctx, end
		}
	}
}

// begin writes that the transform is running, and tells the observers.
func (a *attempt) begin(ctx context.Context) context.Context {
	r := &a.rec.Range
	first := r.Link == "" && r.Batches == 0
	ctx, link := a.s.watch.runStart(ctx, RunStartInfo{RunID: a.runID(), Mode: r.Mode, Instance: a.s.cfg.Instance, Link: r.Link, First: first})
	if r.Link == "" && !a.e.settings.dryRun {
		r.Link = link
	}
	return ctx
}

// open loads the quarantine, opens the transform, and writes that it runs.
func (a *attempt) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	if err := errors.Join(a.loadSkips(ctx), a.loadVerification(ctx)); err != nil {
		return err
	}
	if err := a.openWalk(ctx); err != nil {
		return err
	}
	return a.running(ctx)
}

// openWalk opens what walks the rows.
func (a *attempt) openWalk(ctx context.Context) error {
	stepper, err := contain(ctx, func() (Stepper, error) {
		b := a.s.cfg.bounds()
		b.row = a.e.settings.rowTimeout
		return a.walk(withBounds(ctx, b))
	})
	if err != nil {
		if !isSchema(err) {
			err = foreign(stepper, err)
		}
		return fmt.Errorf("open: %w", err)
	}
	a.stepper, a.first, a.opened = stepper, true, a.rec.Range.Mode
	return nil
}

func (a *attempt) running(ctx context.Context) error {
	r, t := a.rec.Range, a.rec.Transform
	if !a.e.settings.dryRun { // which leaves the run where it is
		a.goOn(&r, &t)
	}
	t.ReasonCode, t.Reason, t.ReasonUntilMS = "", "", 0
	if err := a.write(ctx, r, &t, activeIn(r.Mode), nil); err != nil {
		return err
	}
	a.show()
	a.log.InfoContext(ctx, "bgtransform: "+t.State, "run", a.rec.Range.Run, "pass", a.rec.Range.Pass)
	return nil
}

// goOn brings a run's record up to date as an attempt begins to work on it.
func (a *attempt) goOn(r *store.Range, t *store.Transform) {
	if r.AtEnd {
		newPass(r) // the last pass ended who knows when; only a fresh one can complete it
	}
	if r.Cursor == "" && r.Began == store.BeganClear {
		r.Began = store.BeganUnclear // that was looked at before, but it has not begun
	}
	if t.StartedMS == 0 {
		t.StartedMS = a.rec.NowMS
	}
	if !a.overdue(*t) {
		r.AdvancedMS = a.rec.Now()
	}
	if r.SweptMS == 0 {
		r.SweptMS = a.rec.Now()
	}
	r.WindowText = a.e.settings.pace(flagValues{}).window.String()
}

// write commits a new state together with the checkpoint, under the fence.
// The attempt's record follows only once it is committed.
func (a *attempt) write(ctx context.Context, r store.Range, t *store.Transform, to State, more func(ctx context.Context, tx bun.Tx) error) error {
	from := State(a.rec.Transform.State)
	if err := checkTransition(from, to); err != nil {
		return err
	}
	t.State = string(to)
	err := a.fence.Tx(ctx, &r, func(ctx context.Context, tx bun.Tx) error {
		if err := a.fence.SetState(ctx, tx, t); err != nil {
			return err
		}
		if more == nil {
			return nil
		}
		return more(ctx, tx)
	})
	if err != nil {
		a.unsure = !errors.Is(err, ErrFenced)
		return err
	}
	a.rec.Range, a.rec.Transform = r, *t
	return nil
}
