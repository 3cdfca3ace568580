package admin

import (
	"context"
	"sync"
	"time"
)

// slowly is how often evidence is read, at most.
const slowly = 15 * time.Second

// proof keeps the evidence for a transform.
type proof struct {
	mu    sync.Mutex
	kept  evidence
	fresh freshness
}

// get returns evidence that was read no longer than slowly ago. What could not be read to
// its end, as whoever asked has left, is kept for nobody.
func (p *proof) get(ctx context.Context, src source, name string) evidence {
	p.mu.Lock()
	old, fresh, era := p.kept, p.fresh.within(slowly), p.fresh.era
	p.mu.Unlock()
	if fresh {
		return old
	}
	e := src.evidence(ctx, name)
	if ctx.Err() != nil {
		return e
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = e
	p.fresh.renew(era)
	return e
}

func (p *proof) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh.expire()
}
