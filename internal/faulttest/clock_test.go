package faulttest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestI1ServerClockJumps does to the lease what a jump of its server's clock does,
// while two processes work: an hour forward, and what was left of it is gone, also
// in the middle of a batch; an hour back, and that much more of it is left, until
// the holder renews it.
func TestI1ServerClockJumps(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL, Redis lease", func(t *testing.T) {
		t.Parallel()
		server := testserver.StartRedis(t)
		rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		jumps(t, postgresOn(t, testserver.SharedPostgres(t)), via(server.Addr()), func(ctx context.Context, by time.Duration) error {
			const key = "bgtransform:{" + transform + "}:lease"
			left, err := rdb.PTTL(ctx, key).Result()
			if err != nil || left < 0 { // nobody holds it
				return err
			}
			return rdb.PExpire(ctx, key, left-by).Err() // a key whose time is over is deleted
		})
	})
	for kind, start := range databases() {
		t.Run(kind+", database lease", func(t *testing.T) {
			t.Parallel()
			db := start(t)
			jumps(t, db, func(*order) {}, func(ctx context.Context, by time.Duration) error {
				_, err := db.NewUpdate().Table("bgtransform_leases").
					Set("expires_ms = expires_ms - ?", by.Milliseconds()).Where("expires_ms > 0").Exec(ctx)
				return err
			})
		})
	}
}

// jumps lets the clock of the lease's server jump by turns, back and forth.
func jumps(t *testing.T, db *database, lease func(*order), jump func(context.Context, time.Duration) error) {
	t.Helper()
	seed(t, db, plenty)
	s := newStage(t, db)
	s.start(lease)
	s.start(lease)
	for range 3 {
		more(t, db)
		s.works(s.now())
		must(t, jump(t.Context(), -time.Hour))
		s.works(s.now())
		mark := s.now()
		must(t, jump(t.Context(), 2*time.Hour)) // over, whether the holder has renewed since or not
		s.await(mark, "another attempt", func(e event) bool { return e.is("attempt") })
		s.works(s.now())
	}
	s.finish(lease)
}
