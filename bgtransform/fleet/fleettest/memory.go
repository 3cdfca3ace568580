package fleettest

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Memory is a [fleet.Registry] in memory, for tests. Its zero value is ready. It must not
// be copied.
type Memory struct {
	mu      sync.Mutex
	members map[string]kept
	err     error
}

var _ fleet.Registry = (*Memory)(nil)

// kept is one member, by the clock of this process.
type kept struct {
	member                fleet.Member
	joined, seen, expires time.Time
}

// Fail makes every call return err from now on, as of a server that is down; nil ends that.
func (r *Memory) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// Forget loses everything, as a server without persistence does when it is started again.
func (r *Memory) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = nil
}

// Announce implements [fleet.Registry].
func (r *Memory) Announce(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse(ctx); err != nil {
		return err
	}
	if r.members == nil {
		r.members = map[string]kept{}
	}
	now := time.Now()
	k, known := r.members[m.Term]
	if !known {
		k.joined = now
	}
	m.Stages, m.Next, m.Asked = maps.Clone(m.Stages), maps.Clone(m.Next), maps.Clone(m.Asked)
	k.member, k.seen, k.expires = m, now, now.Add(ttl)
	r.members[m.Term] = k
	return nil
}

// Leave implements [fleet.Registry].
func (r *Memory) Leave(ctx context.Context, m fleet.Member) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse(ctx); err != nil {
		return err
	}
	now := time.Now()
	if k, known := r.members[m.Term]; known && k.expires.After(now) {
		k.expires = now
		r.members[m.Term] = k
	}
	return nil
}

// Members implements [fleet.Registry].
func (r *Memory) Members(ctx context.Context) ([]fleet.Sighting, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	var all []fleet.Sighting
	for _, k := range r.members {
		m := k.member
		m.Stages, m.Next, m.Asked = maps.Clone(m.Stages), maps.Clone(m.Next), maps.Clone(m.Asked)
		s := fleet.Sighting{Member: m, Live: k.expires.After(now), Joined: now.Sub(k.joined), Seen: now.Sub(k.seen)}
		if !s.Live {
			s.Gone = now.Sub(k.expires)
		}
		all = append(all, s)
	}
	for _, term := range fleet.Forgotten(all, fleet.Retention) {
		delete(r.members, term)
	}
	return all, nil
}

func (r *Memory) refuse(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.err
}
