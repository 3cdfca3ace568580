package faulttest

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestI1ServerClockJumps lets the clock of the lease's server jump while two processes
// work: an hour back, and that much more of the lease is left; forward, and what was
// left of it is gone, also in the middle of a batch. There is one writer all the time,
// and no row is lost or done twice.
func TestI1ServerClockJumps(t *testing.T) {
	t.Parallel()
	for kind, start := range clocked() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			clock, db, lease := start(t)
			seed(t, db, plenty)
			s := newStage(t, db)
			s.start(lease)
			s.start(lease)
			s.works(s.now())
			clock.Jump(-time.Hour)
			s.works(s.now())
			mark := s.now()
			clock.Jump(2 * time.Hour) // over, whether the holder has renewed since or not
			s.await(mark, "another attempt", func(e event) bool { return e.is("attempt") })
			s.works(s.now())
			clock.Jump(-time.Hour)
			more(t, db)
			holder := s.works(s.now()).from
			holder.kill()
			s.works(s.now(), holder)
			s.finish(lease)
		})
	}
}

// TestI1ServerClockIsSetBackBehindADeadHolder sets the clock of the lease's server
// back by an hour when the holder has just died. By that clock the lease lasts for
// the hour; the next one does not wait so long.
func TestI1ServerClockIsSetBackBehindADeadHolder(t *testing.T) {
	t.Parallel()
	for kind, start := range clocked() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			clock, db, lease := start(t)
			seed(t, db, plenty)
			s := newStage(t, db)
			s.start(lease, ttl(10*time.Second)) // it is far from over when the clock is set
			s.start(lease, ttl(10*time.Second))
			holder := s.works(s.now()).from
			holder.kill()
			clock.Jump(-time.Hour)
			s.works(s.now(), holder)
			s.finish(lease)
		})
	}
}

// clocked are the places where a lease can be: each comes with the clock of its server
// and a database that is worked on.
func clocked() map[string]func(*testing.T) (*testserver.Clock, *database, func(*order)) {
	return map[string]func(*testing.T) (*testserver.Clock, *database, func(*order)){
		"Redis lease": func(t *testing.T) (*testserver.Clock, *database, func(*order)) {
			t.Helper()
			clock := testserver.NewClock(t)
			return clock, postgresOn(t, testserver.SharedPostgres(t)), via(testserver.StartRedisBy(t, clock).Addr())
		},
		"PostgreSQL, database lease": func(t *testing.T) (*testserver.Clock, *database, func(*order)) {
			t.Helper()
			clock := testserver.NewClock(t)
			return clock, postgresOn(t, testserver.StartPostgresBy(t, clock)), func(*order) {}
		},
		"MariaDB, database lease": func(t *testing.T) (*testserver.Clock, *database, func(*order)) {
			t.Helper()
			clock := testserver.NewClock(t)
			return clock, mariadbOn(t, testserver.StartMariaDBBy(t, clock)), func(*order) {}
		},
	}
}
