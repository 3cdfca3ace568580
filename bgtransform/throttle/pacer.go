package throttle

import "time"

// Batch says how a batch went.
type Batch struct {
	// Keys is how many keys the range had, whether their rows were changed or not.
	// It is 0 for a batch that was given up, which says nothing about the size.
	Keys int

	// Rows is how many rows were changed.
	Rows int

	// Took is the time that the database took, for all statements of the batch.
	Took time.Duration

	// Code is the time that the user's code took besides.
	Code time.Duration

	// Waited is the time that the batch waited besides, while nothing was done for
	// it: for a connection of the app's pool, say. It makes nothing rest.
	Waited time.Duration
}

// busy is how long the batch kept the database or the app busy.
func (b Batch) busy() time.Duration { return min(b.Took+b.Code, longest) }

// density is the share of its keys whose rows were changed.
func (b Batch) density() float64 { return float64(b.Rows) / float64(b.Keys) }

// lasted is how long it took from its start to its end.
func (b Batch) lasted() time.Duration { return min(b.busy()+b.Waited, longest) }

// sane returns b with numbers that can be added up.
func (b Batch) sane() Batch {
	b.Keys, b.Rows = max(b.Keys, 0), max(b.Rows, 0)
	for _, d := range []*time.Duration{&b.Took, &b.Code, &b.Waited} {
		*d = min(max(*d, 0), longest)
	}
	return b
}

// Pacer decides when the next batch may start and how many keys it may cover. It
// is not safe for concurrent use; a runner has one for each of its loops. It reads
// the time but never waits itself. Make one with [New].
type Pacer struct {
	limits  Limits
	reasons reasons
	sizer   sizer
	clock   schedule
	ease    ease
	recent  history
}

// New returns a pacer within limits, whose first batch may start at once. It takes
// the default for a field of limits that is not valid: call [Limits.Validate]
// before, where an error can be reported.
func New(limits Limits) *Pacer {
	p := &Pacer{ease: newEase()}
	p.SetLimits(limits)
	return p
}

// SetLimits replaces the limits. They hold from the next batch on, also for the
// wait before it: call [Pacer.Wait] again to know how long that is now. The size is
// kept as far as the new limits allow; StartBatch matters until the first batch is
// done only.
func (p *Pacer) SetLimits(limits Limits) {
	p.limits = limits.WithDefaults()
	p.reasons = reasonsFor(p.limits)
	p.sizer.setLimits(p.limits)
}

// Size returns how many keys the next batch may cover, at least 1.
func (p *Pacer) Size() int { return p.sizer.eased(p.ease.share(time.Now())) }

// Done reports a batch that has just ended, from which the next size and the
// next wait follow. A batch that was given up also used the database: report
// the time it took, with Keys and Rows 0. Numbers below 0 count as 0, and more
// than a day as one.
func (p *Pacer) Done(b Batch) {
	b = b.sane()
	now := time.Now()
	p.clock.done(b, p.eased(now), now)
	if b.Keys > 0 {
		p.sizer.done(b)
		p.recent.add(b)
	}
}

// Shrink halves the size at once, below MinBatch too but not below 1. It is for
// a batch that was given up, for a statement timeout say, or for a row that must
// be singled out. From there on the size grows as always.
func (p *Pacer) Shrink() { p.sizer.halve() }

// Predict returns an upper estimate of how long the next batch of [Pacer.Size] keys
// takes: as long as the slowest of the last 16 batches of a similar size, or in
// proportion if it covers more keys. It is 0 if no batch is known.
func (p *Pacer) Predict() time.Duration { return p.recent.predict(p.Size()) }

// Wait returns how long to wait from now on before the next batch may start,
// and which limit says so. It may be called any number of times: what it returns
// counts down, except while the health signals say stop (see [Pacer.SetPressure]).
func (p *Pacer) Wait() Pause {
	now := time.Now()
	pause := p.clock.pause(p.eased(now), p.reasons, now)
	switch {
	case p.ease.stops():
		return Pause{For: askAgain, Limit: Health, Reason: p.ease.why()}
	case pause.Limit == Duty && p.ease.share(now) < 1:
		pause.Limit, pause.Reason = Health, p.ease.why()
	}
	return pause
}

// Limited returns what limits the speed now, and a reason for operators, which is
// never empty: what [Pacer.Wait] waits for or, if that is nothing, what keeps
// batches from being larger.
func (p *Pacer) Limited() (Limit, string) {
	if pause := p.Wait(); pause.For > 0 {
		return pause.Limit, pause.Reason
	}
	switch {
	case p.ease.share(time.Now()) < 1:
		return Health, p.ease.why()
	case p.sizer.size < p.limits.ceiling() && p.sizer.heldByRows():
		return Size, p.reasons.changed
	case p.sizer.size < p.limits.ceiling():
		return Target, p.reasons.target
	case p.limits.ceiling() < p.limits.MaxBatch:
		return Rows, p.reasons.rows
	default:
		return Size, p.reasons.size
	}
}

// eased returns the limits as the health signals leave them.
func (p *Pacer) eased(now time.Time) Limits {
	l := p.limits
	l.Duty *= p.ease.share(now)
	return l
}
