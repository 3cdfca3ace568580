package redisset

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/bgtransform"
)

var (
	//go:embed mark.lua
	markSource string
	//go:embed done.lua
	doneSource string
)

// errFenced is returned to an attempt that another has replaced.
var errFenced = errors.New("redisset: a newer attempt has used the set")

// Set keeps keys in Redis. Make one with [New]. It holds no state of its own,
// needs no closing, serves any number of transforms, and is safe for concurrent
// use. Its errors are the client's.
type Set struct {
	rdb        redis.Scripter
	encode     *strings.Replacer
	mark, done *redis.Script
}

var _ bgtransform.ProcessedSet = (*Set)(nil)

// New returns a Set that runs its scripts through rdb: a [*redis.Client], also
// one made by [redis.NewFailoverClient], a [*redis.ClusterClient], or a
// [redis.UniversalClient]. It sends nothing. The caller keeps and closes rdb.
func New(rdb redis.Scripter) *Set {
	return &Set{
		rdb:    rdb,
		encode: strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D"),
		mark:   redis.NewScript(markSource),
		done:   redis.NewScript(doneSource),
	}
}

// Done implements [bgtransform.ProcessedSet].
func (s *Set) Done(ctx context.Context, at bgtransform.Mark, keys []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply, err := s.done.Run(ctx, s.rdb, s.keys(at), args(keys, at.Attempt, at.Number)...).Result()
	if err != nil {
		return nil, err
	}
	answers, ok := reply.([]any)
	switch {
	case !ok:
		return nil, errFenced
	case len(answers) != len(keys):
		return nil, fmt.Errorf("redisset: %d answers for %d keys", len(answers), len(keys))
	}
	var done []string
	for i, answer := range answers {
		if answer == int64(1) {
			done = append(done, keys[i])
		}
	}
	return done, nil
}

// Mark implements [bgtransform.ProcessedSet].
func (s *Set) Mark(ctx context.Context, at bgtransform.Mark, keys []string) error {
	return s.write(ctx, at, 1, keys)
}

// Unmark implements [bgtransform.ProcessedSet].
func (s *Set) Unmark(ctx context.Context, at bgtransform.Mark, keys []string) error {
	return s.write(ctx, at, 2, keys)
}

// write puts keys into one of the two sorted sets that keys names first.
func (s *Set) write(ctx context.Context, at bgtransform.Mark, set int64, keys []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ours, err := s.mark.Run(ctx, s.rdb, s.keys(at), args(keys, at.Attempt, set, at.Number)...).Bool()
	if err == nil && !ours {
		return errFenced
	}
	return err
}

// keys returns the set, what was taken back of it, and what fences both, in one
// slot of a Cluster.
func (s *Set) keys(at bgtransform.Mark) []string {
	key := "bgtransform:{" + s.encode.Replace(at.Transform) + "}:processed"
	return []string{key, key + ":reverted", key + ":attempt"}
}

// args puts numbers in front of the members that stand for keys.
func args(keys []string, numbers ...int64) []any {
	out := make([]any, 0, len(numbers)+len(keys))
	for _, n := range numbers {
		out = append(out, n)
	}
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		out = append(out, sum[:16])
	}
	return out
}
