package redisset_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redisset"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

func onRedis(t *testing.T) *redisset.Set {
	t.Helper()
	opt, err := redis.ParseURL(testserver.SharedRedis(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	return redisset.New(rdb)
}

// at is a transform of the test's own.
func at(t *testing.T, attempt, number int64) bgtransform.Mark {
	return bgtransform.Mark{Transform: "{odd%}" + t.Name(), Attempt: attempt, Number: number}
}

func mark(t *testing.T, s *redisset.Set, m bgtransform.Mark, keys ...string) {
	t.Helper()
	if err := s.Mark(t.Context(), m, keys); err != nil {
		t.Fatalf("Mark %v under %d: %v", keys, m.Number, err)
	}
}

func wantDone(t *testing.T, s *redisset.Set, m bgtransform.Mark, want ...string) {
	t.Helper()
	got, err := s.Done(t.Context(), m, []string{"a", "b", "c", "d"})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Done up to %d = %v, %v; want %v", m.Number, got, err, want)
	}
}

func TestMarksCountOnceTheirTransactionIsCommitted(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	wantDone(t, s, at(t, 1, 0))
	mark(t, s, at(t, 1, 1), "a", "b")
	wantDone(t, s, at(t, 1, 0)) // the commit has failed
	wantDone(t, s, at(t, 1, 1), "a", "b")
	mark(t, s, at(t, 1, 2), "c")
	wantDone(t, s, at(t, 1, 2), "a", "b", "c")
}

// What was marked in a transaction that came to nothing is gone before another
// takes its number.
func TestMarksOfALostTransactionNeverCount(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	mark(t, s, at(t, 1, 1), "a", "b")
	mark(t, s, at(t, 2, 1), "c")
	wantDone(t, s, at(t, 2, 5), "c")
	mark(t, s, at(t, 2, 2), "d")
	mark(t, s, at(t, 2, 3), "a")
	mark(t, s, at(t, 3, 2), "b") // the server has crashed, and lost two commits
	wantDone(t, s, at(t, 3, 9), "b", "c")
}

func unmark(t *testing.T, s *redisset.Set, m bgtransform.Mark, keys ...string) {
	t.Helper()
	if err := s.Unmark(t.Context(), m, keys); err != nil {
		t.Fatalf("Unmark %v under %d: %v", keys, m.Number, err)
	}
}

// What a revert takes back is not done, once its transaction is committed; and
// may be done again.
func TestMarksAreTakenBackOnceTheirTransactionIsCommitted(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	mark(t, s, at(t, 1, 1), "a", "b")
	mark(t, s, at(t, 1, 2), "c")
	unmark(t, s, at(t, 1, 3), "a", "c", "d")
	wantDone(t, s, at(t, 1, 2), "a", "b", "c") // the commit has failed
	wantDone(t, s, at(t, 1, 3), "b")
	mark(t, s, at(t, 1, 4), "a")
	wantDone(t, s, at(t, 1, 3), "b")
	wantDone(t, s, at(t, 1, 4), "a", "b")
	unmark(t, s, at(t, 1, 5), "a")
	wantDone(t, s, at(t, 1, 4), "a", "b")
	wantDone(t, s, at(t, 1, 5), "b")
}

// What was taken back in a transaction that came to nothing is done as before,
// also when another takes its number.
func TestMarksTakenBackInALostTransactionCountAgain(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	mark(t, s, at(t, 1, 1), "a", "b", "c")
	unmark(t, s, at(t, 1, 2), "a")
	unmark(t, s, at(t, 2, 2), "b")
	wantDone(t, s, at(t, 2, 2), "a", "c")
	mark(t, s, at(t, 2, 2), "d")
	wantDone(t, s, at(t, 2, 9), "a", "b", "c", "d")
	unmark(t, s, at(t, 2, 3), "b")
	mark(t, s, at(t, 2, 4), "b") // which comes to nothing too
	unmark(t, s, at(t, 3, 4), "c")
	wantDone(t, s, at(t, 3, 9), "a", "d")
}

// An attempt that was frozen neither reads nor writes the set of the next one.
func TestI1OlderAttemptIsRefused(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	mark(t, s, at(t, 2, 1), "a")
	if err := s.Mark(t.Context(), at(t, 1, 1), []string{"b"}); err == nil {
		t.Error("an older attempt has marked keys")
	}
	if err := s.Unmark(t.Context(), at(t, 1, 2), []string{"a"}); err == nil {
		t.Error("an older attempt has taken marks back")
	}
	if _, err := s.Done(t.Context(), at(t, 1, 1), []string{"a"}); err == nil {
		t.Error("an older attempt has read the set")
	}
	wantDone(t, s, at(t, 2, 1), "a")
	wantDone(t, s, at(t, 3, 1), "a") // a newer one has come, and only looked
	if err := s.Mark(t.Context(), at(t, 2, 2), []string{"b"}); err == nil {
		t.Error("an older attempt has marked keys")
	}
}

func TestTransformsHaveSetsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	mark(t, s, at(t, 1, 1), "a")
	other := at(t, 1, 1)
	other.Transform += "}x{"
	wantDone(t, s, other)
}

func TestManyKeysAtOnce(t *testing.T) {
	t.Parallel()
	s := onRedis(t)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = string(rune('a'+i%26)) + string(rune(0x4e00+i))
	}
	mark(t, s, at(t, 1, 1), keys...)
	done, err := s.Done(t.Context(), at(t, 1, 1), keys)
	if err != nil || len(done) != len(keys) {
		t.Errorf("Done = %d keys, %v; want %d", len(done), err, len(keys))
	}
}

func TestAnEndedContextIsSeen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := onRedis(t)
	if err := s.Mark(ctx, at(t, 1, 1), []string{"a"}); err == nil {
		t.Error("Mark went on")
	}
	if _, err := s.Done(ctx, at(t, 1, 1), []string{"a"}); err == nil {
		t.Error("Done went on")
	}
	if err := s.Unmark(ctx, at(t, 1, 1), []string{"a"}); err == nil {
		t.Error("Unmark went on")
	}
}
