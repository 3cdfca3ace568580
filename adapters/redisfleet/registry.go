package redisfleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Registry keeps the members of a pool in Redis. Make one with [New]. It holds no state
// of its own, needs no closing, and is safe for concurrent use. Its errors are the
// client's.
type Registry struct {
	rdb         redis.Scripter
	said, times string
	scripts     scripts
}

var _ fleet.Registry = (*Registry)(nil)

// New returns a Registry that runs its scripts through rdb: a [*redis.Client], also one
// made by [redis.NewFailoverClient], a [*redis.ClusterClient], or a
// [redis.UniversalClient]. It sends nothing. The caller keeps and closes rdb.
func New(rdb redis.Scripter, opts ...Option) *Registry {
	c := newConfig(opts)
	return &Registry{rdb: rdb, said: c.prefix + "{fleet}:said", times: c.prefix + "{fleet}:times", scripts: newScripts()}
}

// Announce implements [fleet.Registry].
func (r *Registry) Announce(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	said, err := json.Marshal(m)
	if err != nil {
		return err
	}
	joined, err := r.scripts.announce.Run(ctx, r.rdb, r.keys(), m.Term, said, millis(ttl), millis(fleet.Retention)).Bool()
	if err != nil || !joined {
		return r.noticed(ctx, err)
	}
	return r.forget(ctx)
}

// Leave implements [fleet.Registry].
func (r *Registry) Leave(ctx context.Context, m fleet.Member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.noticed(ctx, r.scripts.leave.Run(ctx, r.rdb, []string{r.times}, m.Term).Err())
}

// Members implements [fleet.Registry].
func (r *Registry) Members(ctx context.Context) ([]fleet.Sighting, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := r.scripts.members.Run(ctx, r.rdb, r.keys()).Slice()
	if err != nil {
		return nil, r.noticed(ctx, err)
	}
	const fields = 4
	all := make([]fleet.Sighting, 0, len(reply)/fields)
	for ; len(reply) >= fields; reply = reply[fields:] {
		s, err := parse(reply[:fields])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// forget removes what nobody needs to remember.
func (r *Registry) forget(ctx context.Context) error {
	all, err := r.Members(ctx)
	if err != nil {
		return err
	}
	terms := fleet.Forgotten(all, fleet.Retention)
	if len(terms) == 0 {
		return nil
	}
	args := make([]any, len(terms))
	for i, term := range terms {
		args[i] = term
	}
	return r.scripts.forget.Run(ctx, r.rdb, r.keys(), args...).Err()
}

func (r *Registry) keys() []string { return []string{r.said, r.times} }

// reloader is a client that remembers which server has which keys.
type reloader interface {
	ReloadState(ctx context.Context)
}

var _ reloader = (*redis.ClusterClient)(nil)

// noticed returns err. If no server has answered, it has a Cluster's client ask who has
// the keys now, without waiting for it.
// See https://github.com/redis/go-redis/issues/3979.
func (r *Registry) noticed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, answered := errors.AsType[redis.Error](err); answered {
		return err
	}
	if c, ok := r.rdb.(reloader); ok {
		c.ReloadState(ctx)
	}
	return err
}

// parse reads one member of a reply.
func parse(fields []any) (fleet.Sighting, error) {
	said, isText := fields[0].(string)
	joined, ok1 := fields[1].(int64)
	seen, ok2 := fields[2].(int64)
	gone, ok3 := fields[3].(int64)
	if !isText || !ok1 || !ok2 || !ok3 {
		return fleet.Sighting{}, errors.New("redisfleet: the members script replied values of unexpected types")
	}
	s := fleet.Sighting{Live: gone < 0, Joined: age(joined), Seen: age(seen), Gone: age(gone)}
	if err := json.Unmarshal([]byte(said), &s.Member); err != nil {
		return fleet.Sighting{}, fmt.Errorf("redisfleet: read what a member said: %w", err)
	}
	return s, nil
}

// millis rounds up to Redis's unit, so that no TTL is cut to nothing.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// age returns a number of milliseconds; none if the server's clock was set back.
func age(ms int64) time.Duration { return time.Duration(max(0, ms)) * time.Millisecond }
