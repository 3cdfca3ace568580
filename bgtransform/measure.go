package bgtransform

import (
	"context"
	"math"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// measure reports a batch to the pacer and brings the progress up to date. It
// is stored with the next checkpoint.
func (a *attempt) measure(ctx context.Context, step *Step, res *BatchResult) {
	took := a.burden(res)
	a.pacer.Done(throttle.Batch{Keys: step.Keys, Rows: res.Changed, Took: took})
	r := &a.rec.Range
	r.RowsPerSec = a.rate.add(step.Keys, time.Now())
	r.BusyMS += took.Milliseconds()
	r.LimitedCode, r.LimitedBy = "", ""
	if nap := a.pacer.Wait(); nap.For > 0 {
		r.LimitedCode, r.LimitedBy = nap.Limit.String(), nap.Reason
	}
	a.estimate(ctx, step)
	res.Remaining, res.RowsPerSec = r.Remaining, r.RowsPerSec
	a.show()
	a.log.DebugContext(ctx, "bgtransform: batch", "pass", r.Pass, "batch", r.Batches, "keys", res.Keys,
		"found", res.Found, "changed", res.Changed, "moved", res.Moved, "quarantined", res.Quarantined, "took", took)
}

// estimateEvery is how often the rest of the walk is estimated with a query.
// In between, the keys that were walked are taken off.
const estimateEvery = time.Second

func (a *attempt) estimate(ctx context.Context, step *Step) {
	r := &a.rec.Range
	if step.Last {
		r.Remaining = 0
		return
	}
	if est, ok := a.stepper.(Estimator); ok && time.Since(a.estimated) >= estimateEvery {
		a.estimated = time.Now()
		n, err := contain(ctx, func() (int64, error) { return est.Remaining(ctx, r.Cursor, r.KeysInPass) })
		if err == nil {
			r.Remaining = n
			return
		}
	}
	if r.Remaining > 0 {
		r.Remaining = max(0, r.Remaining-int64(step.Keys))
	}
}

// burden is how long a batch has kept the database busy, as the pacer is to see
// it: what takes much longer than a batch may is a process that was frozen, and the
// time that it slept is no reason to rest.
func (a *attempt) burden(res *BatchResult) time.Duration {
	return min(res.Read+res.Write, a.s.cfg.BatchTimeout)
}

func (a *attempt) gaveUp(res *BatchResult) throttle.Batch { return throttle.Batch{Took: a.burden(res)} }

// rateMemory is how far back the rate looks: older batches fade out.
const rateMemory = 10 * time.Second

// rate is keys per second over the recent past, pauses included.
type rate struct {
	last       time.Time
	keys, secs float64
}

// add counts a batch that ended now and returns the rate; 0 until a second
// batch gives the first its duration.
func (r *rate) add(keys int, now time.Time) float64 {
	if r.last.IsZero() {
		r.last = now
		return 0
	}
	dt := now.Sub(r.last).Seconds()
	r.last = now
	fade := math.Exp(-dt / rateMemory.Seconds())
	r.keys = r.keys*fade + float64(keys)
	r.secs = r.secs*fade + dt
	if r.secs <= 0 {
		return 0
	}
	return r.keys / r.secs
}
