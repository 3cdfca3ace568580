package bgtransform

import (
	"context"
	"time"
)

// Observer watches batches. Telemetry, progress displays and tests implement
// it; Config.Observer takes one, and [Observers] joins several.
//
// BatchStart is called before a batch reads its range and returns the context
// in which the batch runs; BatchEnd is called once with that context. Both are
// called one after the other while the transform waits: what they take is taken
// from the batch. An observer that panics, or does not return for seconds, is
// left behind, logged, and called no more.
//
// An observer that also implements [RunObserver], [LeaseObserver], [WaitObserver] or
// [StuckObserver] is told of those too. The info structs may gain fields.
type Observer interface {
	BatchStart(ctx context.Context, info BatchStartInfo) context.Context
	BatchEnd(ctx context.Context, info BatchEndInfo)
}

// RunObserver is an optional extension of [Observer] for the life of a run.
//
// A run is durable and may pass from instance to instance. RunStart is called
// at the start of every attempt. Its info carries the Link that the first
// attempt's RunStart returned (empty then); what it returns first is the
// context of the attempt's batches, and second the link, an opaque text of at
// most 200 bytes that is stored with the run and so joins the attempts of
// several instances. RunEnd is called at the end of every attempt.
type RunObserver interface {
	RunStart(ctx context.Context, info RunStartInfo) (context.Context, string)
	RunEnd(ctx context.Context, info RunEndInfo)
}

// LeaseObserver is an optional extension of [Observer] that is told when a
// lease is acquired, renewed, lost or released. It is called from the lease
// keeper's goroutine and must not block.
type LeaseObserver interface {
	LeaseChanged(ctx context.Context, info LeaseInfo)
}

// WaitObserver is an optional extension of [Observer] that is told whenever
// this instance begins to wait with a transform, and why.
type WaitObserver interface {
	Waiting(ctx context.Context, info WaitInfo)
}

// RunID identifies a run in traces and logs: the transform and its run number.
type RunID struct {
	Transform string
	Run       int64 // counts from 1; a restart begins the next
	Attempt   int64 // the fence of the attempt: rises with every taking of the lease
}

// BatchStartInfo describes a batch that is about to begin.
type BatchStartInfo struct {
	RunID
	Mode  string // what the batch is to do, as [Status].Mode says: empty to transform, "revert" or "verify"
	Pass  int64  // counts from 1 within the run
	Batch int64  // counts from 1 within the run
	Limit int    // keys that the batch may cover at most
}

// BatchEndInfo describes a batch that ended.
type BatchEndInfo struct {
	BatchStartInfo
	BatchResult
	Err error // nil when the batch committed; safe to export: holds no row values
}

// BatchResult counts what a batch did. Everything is zero when it failed.
type BatchResult struct {
	Keys        int           // keys in the range
	Found       int           // rows that were pending
	Changed     int           // rows written; in a verification, repaired
	Moved       int           // rows left alone because the app changed them meanwhile
	Quarantined int           // rows set aside
	Checked     int           // rows that a verification has compared
	Mismatched  int           // rows that a verification has listed, repaired ones included
	Read        time.Duration // reading the range and running user code
	Write       time.Duration // the transaction
	Remaining   int64         // estimate of rows still to walk in this pass; -1 unknown
	RowsPerSec  float64       // walked, pending or not, over the recent past, waits included
	DryRun      bool          // the transaction was rolled back on purpose
}

// RunStartInfo describes the start of an attempt at a run.
type RunStartInfo struct {
	RunID
	Mode     string // as in [BatchStartInfo], when the attempt began
	Instance string
	Link     string // what RunStart of the run's first attempt returned
	First    bool   // the run's first attempt
}

// RunEndInfo describes the end of an attempt at a run.
type RunEndInfo struct {
	RunID
	State  State  // the state that the transform was left in
	Reason Reason // why it is in that state
	Err    error  // nil unless the attempt failed; holds no row values
}

// LeaseInfo describes a change of a lease.
type LeaseInfo struct {
	Transform string
	Event     string // acquired, renewed, renew_failed, lost, released, release_failed
	Err       error
}

// WaitInfo says that this instance waits with a transform.
type WaitInfo struct {
	Transform string
	Reason    Reason
	For       time.Duration // how long it will wait before it looks again
}
