package cobracli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// unreadableFor is how long a database may give no answer while something is watched.
const unreadableFor = time.Minute

// watch follows the named transforms, or all, until nothing of them moves any more.
func (s *session) watch(ctx context.Context, names []string, every time.Duration) error {
	return s.follow(ctx, every, func(ctx context.Context) ([]bgtransform.Status, error) { return s.look(ctx, names...) })
}

// follow shows what look returns, again and again.
func (s *session) follow(ctx context.Context, every time.Duration, look func(context.Context) ([]bgtransform.Status, error)) error {
	f := s.follower()
	err := s.until(ctx, every, look, func(all []bgtransform.Status) (bool, error) {
		if len(all) == 0 {
			return true, notYetf("%s", nothingYet)
		}
		if err := f.show(all...); err != nil {
			return true, err
		}
		return over(all)
	})
	if ctx.Err() != nil {
		return nil // whoever watched has seen enough
	}
	return err
}

// until looks, and looks again, until done says so, ctx ends, or the database has given
// no answer for a while.
func (s *session) until(ctx context.Context, every time.Duration, look func(context.Context) ([]bgtransform.Status, error), done func([]bgtransform.Status) (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var answered time.Time
	for {
		all, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && (answered.IsZero() || s.now().Sub(answered) > unreadableFor):
			return err
		case err == nil:
			answered = s.now()
			if over, err := done(all); over || err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// over reports whether nothing of what is watched moves any more, and an error if it is
// not what people wait for.
func over(all []bgtransform.Status) (bool, error) {
	var bad []string
	for _, st := range all {
		switch st.State {
		case bgtransform.StateComplete, bgtransform.StateReverted:
			if underWay(st.Verify) || st.Why().Code == bgtransform.ReasonAsked {
				return false, nil
			}
		case bgtransform.StateFailed, bgtransform.StateCancelled:
			bad = append(bad, because(fmt.Sprintf("%s is %s", st.Transform, st.State), st.Why().Text))
		default:
			return false, nil
		}
	}
	if len(bad) > 0 {
		return true, notYetf("%s", strings.Join(bad, "; "))
	}
	return true, nil
}
