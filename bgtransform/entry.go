package bgtransform

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// entry is one registered transform on this instance.
type entry struct {
	name      string
	after     []string
	sample    float64 // of the verification that it has when it becomes complete; 0: none
	transform Transform
	defined   string // the fingerprint of what it does
	settings  settings
	paced     atomic.Pointer[pace] // what holds of it now
	wakes     chan struct{}        // holds at most one wake-up
	pacer     *throttle.Pacer      // used by the entry's loop only; what it has learned outlives an attempt
	health    health               // watched during an attempt only
	pooled    bool                 // it waits for the pool
	column    DualColumn           // on the move; nil for a transform without one
	phases    *phaser              // of the column, in the pool's hands; nil for one that is not
	unwatch   func()               // ends that; nil while it is not watched; the loop's own

	measured   string    // the mode of the batches that the pacer has learned from; the loop's own
	measuredAt time.Time // when the last of them ended

	cramped cramped // the loop's own

	finisher string // who finishes it in the foreground, when this is the entry for that
	passed   string // the last finisher to whom it was handed over, or who is gone; the loop's own

	tuned    string // the settings of operators that hold, as they are stored; the loop's own
	mistuned string // what is wrong with them; empty: nothing

	slot      slot       // the loop's own, and of its attempt
	signedFor ReasonCode // its code
	signed    string     // the reason that was written for others to see; the loop's own
	signedAt  time.Time  // when

	batchEnds atomic.Pointer[time.Time] // when the batch under way is cancelled; nil: there is none

	mu   sync.Mutex
	view view
}

// view is what this instance knows of a transform, for its status.
type view struct {
	here     Reason        // why this instance is not advancing it; zero while it does
	record   *store.Record // as last seen; nil before the first look
	holding  bool          // this instance runs it: record is newer than the database's
	settled  bool          // the loop waits for an operator, or for its window: the poll must look for one
	revision int64         // of the intent that the loop has seen
}

func newEntry(t Transform, s settings, slots chan struct{}, shared *throttle.Monitor) *entry {
	def := t.Definition()
	p := s.pace(flagValues{})
	e := &entry{name: def.Name, after: def.Options.After, sample: def.Options.VerifySample, transform: t, defined: fingerprint(def.Revision), settings: s, wakes: make(chan struct{}, 1), pacer: throttle.New(p.limits), slot: slot{pool: slots}, health: healthOf(shared, def.Options.Signals)}
	e.paced.Store(&p)
	return e
}

// poke wakes the entry's loop; it never blocks.
func (e *entry) poke() {
	select {
	case e.wakes <- struct{}{}:
	default:
	}
}

func (e *entry) look() view {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view
}

// update changes the view under its lock.
func (e *entry) update(fn func(v *view)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fn(&e.view)
}
