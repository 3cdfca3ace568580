package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// settleWithin is how long a dispute may have lasted to be settled without a human: well
// within the time for which the pool's members are remembered, so that all are known who
// were there.
const settleWithin = 24 * time.Hour

// judgeDisputes is for a version without the old columns, which may be the only one that is
// still there: it settles disputes that are about its own version under another
// configuration, and raises those that nobody else saw in time, for once it has run
// nobody else does. It asks the database only if such an instance was there in the last week.
func (p *pool) judgeDisputes(ctx context.Context) {
	p.unsettled = false
	if !p.marked {
		return
	}
	for _, name := range p.s.cfg.Contracted {
		if err := p.judgeDispute(ctx, name); err != nil && !errors.Is(err, errDecided) && !errors.Is(err, store.ErrNotFound) {
			p.s.cfg.Logger.WarnContext(ctx, "bgtransform: cannot look whether a transform is in dispute", "transform", name, "error", p.s.safeText(err))
		}
	}
}

func (p *pool) judgeDispute(ctx context.Context, name string) error {
	members := p.look().now()
	_, unclear := members.Disputed(name, fleet.Retention)
	_, explained := members.Explained(name, fleet.Retention)
	if !unclear && !explained {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	rec, err := p.s.store.Get(ctx, name)
	if err != nil {
		return err
	}
	walked := rec.Ago(rec.Swept())
	switch p.unsettled = p.unsettled || disputed(rec); {
	case disputed(rec):
		s, clear := members.Explained(name, walked)
		if since := rec.Ago(rec.Transform.UpdatedMS); !clear || since > settleWithin || !members.Remembers(since) {
			return nil
		}
		why := fmt.Sprintf("%s has no old column: its version and build are those of %s, which is in after", s, p.s.cfg.Instance)
		err = settle(ctx, p.s.store, store.Action{Name: name, Action: "settle", ByWhom: p.s.cfg.Instance, Why: clip(why, 2000)})
	case State(rec.Transform.State) == StateComplete:
		if s, found := members.DisputedNewcomer(name, walked); found {
			err = p.s.askHuman(ctx, rec, disputes(name, s))
		}
	}
	return err
}
