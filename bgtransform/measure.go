package bgtransform

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// measure reports a batch to the pacer and brings the progress up to date. It
// is stored with the next checkpoint.
func (a *attempt) measure(ctx context.Context, step *Step, res *BatchResult, used *spent) {
	took := a.burden(res)
	b := a.paced(res, used)
	b.Keys, b.Rows = step.Keys, res.Changed
	a.pacer.Done(b)
	a.e.measuredAt, a.e.cramped = time.Now(), cramped{}
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

// burden is how long a batch took, as the pacer is to see it: what takes much longer
// than a batch may is a process that was frozen, and the time that it slept is no
// reason to rest.
func (a *attempt) burden(res *BatchResult) time.Duration {
	return min(res.Read+res.Write, a.s.cfg.BatchTimeout)
}

// paced returns what the pacer is to know of the time that a batch took.
func (a *attempt) paced(res *BatchResult, used *spent) throttle.Batch {
	database, code, waited := used.parts(a.burden(res), a.s.db.Stats())
	return throttle.Batch{Took: database, Code: code, Waited: waited}
}
