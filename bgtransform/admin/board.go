package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// board holds what viewers see: a sheet for all transforms, and one for each that was
// looked at. While somebody watches, a loop keeps them up to date.
type board struct {
	source

	log   *slog.Logger // of panics
	every time.Duration
	all   *sheet[overview]
	rates rates // of whoever has the turn of all

	mu     sync.Mutex
	one    map[string]*sheet[detail]
	proofs map[string]*proof

	watching int           // streams
	closed   bool          // no stream begins any more
	ended    chan struct{} // closed with it
	stop     func()        // ends the loop; nil: there is none
	loops    sync.WaitGroup
	kick     chan struct{} // holds at most one wish to read at once
}

func newBoard(src source, log *slog.Logger, every time.Duration) *board {
	b := &board{
		source: src, log: log, every: every, one: map[string]*sheet[detail]{}, proofs: map[string]*proof{},
		ended: make(chan struct{}), kick: make(chan struct{}, 1),
	}
	b.all = newSheet(log, readTime, func(ctx context.Context) (overview, error) {
		o := src.overview(ctx)
		b.rates.add(&o)
		return o, nil
	})
	return b
}

// overview returns the state of all transforms.
func (b *board) overview(ctx context.Context) (*version[overview], error) {
	return b.all.get(ctx, b.every)
}

// detail returns everything about one transform.
func (b *board) detail(ctx context.Context, name string) (*version[detail], error) {
	s, err := b.sheet(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.get(ctx, b.every)
}

// sheet returns that of a transform, which must be known: only so many are made.
func (b *board) sheet(ctx context.Context, name string) (*sheet[detail], error) {
	all, err := b.overview(ctx)
	if err != nil {
		return nil, err
	}
	if _, known := find(all.value, name); !known {
		if all.value.Error != "" {
			return nil, problem{http.StatusServiceUnavailable, "the database cannot be read: " + all.value.Error}
		}
		return nil, bgtransform.ErrUnknownTransform
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.one[name]
	if s == nil {
		s = newSheet(b.log, readOneTime, func(ctx context.Context) (detail, error) { return b.read(ctx, name) })
		b.one[name], b.proofs[name] = s, new(proof)
	}
	return s, nil
}

func find(o overview, name string) (summary, bool) {
	for _, t := range o.Transforms {
		if t.Status.Transform == name {
			return t, true
		}
	}
	return summary{}, false
}

// read reads everything about one transform, and of its state what was read for all. It
// is called by whoever has the turn of its sheet.
func (b *board) read(ctx context.Context, name string) (detail, error) {
	all, err := b.all.get(ctx, b.every/2)
	if err != nil {
		return detail{}, err
	}
	t, known := find(all.value, name)
	if !known {
		return detail{}, bgtransform.ErrUnknownTransform
	}
	d := detail{Made: all.value.Made, Error: all.value.Error, summary: t, Rates: t.rates, pool: all.value.Pool}
	p, err := b.particulars(ctx, name)
	d.Quarantine, d.Mismatches, d.Actions = p.quarantine, p.mismatches, p.actions
	b.mu.Lock()
	proof := b.proofs[name]
	b.mu.Unlock()
	e := proof.get(ctx, b.source, name)
	d.Reads, d.Gate = e.reads, e.gate
	if err = errors.Join(err, e.err); err != nil && d.Error == "" {
		d.Error = plain(err)
	}
	return d, nil
}

// expire has everybody see what an action has changed, those who watch at once.
func (b *board) expire(name string) {
	b.all.expire()
	b.mu.Lock()
	if s := b.one[name]; s != nil {
		s.expire()
		b.proofs[name].expire()
	}
	b.mu.Unlock()
	select {
	case b.kick <- struct{}{}:
	default: // it is wished for already
	}
}
