package redislease

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Locker keeps leases in Redis. Make one with [New]. It holds no state of its own,
// needs no closing, and is safe for concurrent use. Its errors are the client's.
type Locker struct {
	rdb     redis.Scripter
	prefix  string
	encode  *strings.Replacer
	scripts scripts
}

var _ lease.Locker = (*Locker)(nil)

// New returns a Locker that runs its scripts through rdb: a [*redis.Client], also
// one made by [redis.NewFailoverClient], a [*redis.ClusterClient], or a
// [redis.UniversalClient]. It sends nothing. The caller keeps and closes rdb.
func New(rdb redis.Scripter, opts ...Option) *Locker {
	c := newConfig(opts)
	return &Locker{
		rdb:     rdb,
		prefix:  c.prefix,
		encode:  strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D"),
		scripts: newScripts(),
	}
}

// Acquire implements [lease.Locker].
func (l *Locker) Acquire(ctx context.Context, c lease.Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	reply, err := l.scripts.acquire.Run(ctx, l.rdb, l.keys(c), termPart(c), c.Holder, millis(c.TTL), millis(c.Credible())).Slice()
	if err != nil {
		return l.noticed(ctx, err)
	}
	held, err := parseAcquire(reply)
	if held != nil {
		held.Name = c.Name
		return held
	}
	return err
}

// Renew implements [lease.Locker].
func (l *Locker) Renew(ctx context.Context, c lease.Claim) error {
	return l.change(ctx, l.scripts.renew, c, termPart(c), millis(c.TTL))
}

// Release implements [lease.Locker].
func (l *Locker) Release(ctx context.Context, c lease.Claim) error {
	return l.change(ctx, l.scripts.release, c, termPart(c))
}

// change runs a script that answers 1 if the claim's term holds the lease.
func (l *Locker) change(ctx context.Context, s *redis.Script, c lease.Claim, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	held, err := s.Run(ctx, l.rdb, l.keys(c), args...).Bool()
	if err == nil && !held {
		return lease.ErrLost
	}
	return l.noticed(ctx, err)
}

// keys returns the one key of the claim's lease.
func (l *Locker) keys(c lease.Claim) []string {
	return []string{l.prefix + "{" + l.encode.Replace(c.Name) + "}:lease"}
}

// termPart is how the value of the key begins while the claim's term holds the
// lease. The length in front makes it the beginning of no other term's value.
func termPart(c lease.Claim) string {
	return strconv.Itoa(len(c.Term)) + ":" + c.Term
}

// holderPart returns what follows the term in a value, or "" if the value is none
// of ours.
func holderPart(value string) string {
	length, rest, _ := strings.Cut(value, ":")
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(rest) {
		return ""
	}
	return rest[n:]
}

// millis rounds up to Redis's unit, so that no lease is cut to nothing.
func millis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// parseAcquire reads the reply of the acquire script: nothing if it won, else the
// value that it found and the milliseconds left of it.
func parseAcquire(reply []any) (*lease.HeldError, error) {
	if len(reply) == 0 {
		return nil, nil
	}
	if len(reply) == 2 {
		value, isText := reply[0].(string)
		left, isNumber := reply[1].(int64)
		if isText && isNumber {
			return &lease.HeldError{Holder: holderPart(value), Remaining: remaining(left)}, nil
		}
	}
	return nil, fmt.Errorf("redislease: acquire script replied %d values of unexpected types", len(reply))
}

// remaining turns Redis's answer to PTTL into a duration. A key in its last
// millisecond has 0 left but is still there; one without expiry gives -1, which
// is unknown.
func remaining(pttl int64) time.Duration {
	if pttl < 0 {
		return 0
	}
	return time.Duration(max(pttl, 1)) * time.Millisecond
}
