package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// measure reports a batch to the pacer and brings the progress up to date. It
// is stored with the next checkpoint.
func (a *attempt) measure(ctx context.Context, step *Step, res *BatchResult) {
	took := a.burden(res)
	a.pacer.Done(throttle.Batch{Keys: step.Keys, Rows: res.Changed, Took: took})
	a.e.measuredAt = time.Now()
	r := &a.rec.Range
	a.rated(step, res, took)
	r.BusyMS += took.Milliseconds()
	limit, why := a.pacer.Limited()
	r.LimitedCode, r.LimitedBy = limit.String(), limited(limit, why)
	a.estimate(ctx, step)
	res.Remaining, res.RowsPerSec = r.Remaining, r.RowsPerSec
	a.show()
	a.log.DebugContext(ctx, "bgtransform: batch", "pass", r.Pass, "batch", r.Batches, "keys", res.Keys,
		"found", res.Found, "changed", res.Changed, "moved", res.Moved, "quarantined", res.Quarantined, "took", took)
}

// burden is how long a batch has kept the database busy, as the pacer is to see
// it: what takes much longer than a batch may is a process that was frozen, and the
// time that it slept is no reason to rest.
func (a *attempt) burden(res *BatchResult) time.Duration {
	return min(res.Read+res.Write, a.s.cfg.BatchTimeout)
}

func (a *attempt) gaveUp(res *BatchResult) throttle.Batch { return throttle.Batch{Took: a.burden(res)} }
