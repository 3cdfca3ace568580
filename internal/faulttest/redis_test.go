package faulttest

import (
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestI1RedisForgets kills Redis and starts it empty while two processes work, so
// that the lease is free while its holder believes in it, several times.
func TestI1RedisForgets(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *database) {
		t.Helper()
		seed(t, db, plenty)
		server := testserver.StartRedis(t)
		lease := via(server.Addr())
		s := newStage(t, db)
		s.start(lease)
		s.start(lease)
		for range 4 {
			more(t, db)
			s.works(s.now())
			server.Kill()
			server.Start()
		}
		s.works(s.now())
		s.finish(lease)
	})
}

// TestI1RedisGone kills Redis for longer than the ttl: the holder stops, nobody
// else begins, an operator can read why, and it goes on when Redis is back.
func TestI1RedisGone(t *testing.T) {
	t.Parallel()
	for how, fault := range map[string]struct{ begin, end func(*testserver.Redis) }{
		"killed": {(*testserver.Redis).Kill, (*testserver.Redis).Start},
		"frozen": {(*testserver.Redis).Freeze, (*testserver.Redis).Thaw}, // and the client listens to no context
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, db *database) {
				t.Helper()
				seed(t, db, plenty)
				server := testserver.StartRedis(t)
				lease := via(server.Addr())
				s := newStage(t, db)
				a, b := s.start(lease), s.start(lease)
				holder := s.works(s.now()).from
				mark := s.now()
				fault.begin(server)
				s.says(mark, holder, "lease lost")
				saysWhy(t, db, bgtransform.ReasonLocker)
				left := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL")
				for _, p := range []*process{a, b} {
					s.says(mark, p, "waits locker")
				}
				if now := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); now != left {
					t.Errorf("%d rows were written without a lease", left-now)
				}
				fault.end(server)
				s.works(s.now())
				s.finish(lease)
			})
		})
	}
}

// saysWhy waits until an operator can read from outside, as the one reason why the
// transform does not advance, one of that code.
func saysWhy(t testing.TB, db *database, code bgtransform.ReasonCode) {
	t.Helper()
	outside(t, db, "why: "+string(code), func(st bgtransform.Status) bool { return st.Why().Code == code })
}

// TestI1TwoRedis gives each of two processes a Redis of its own, as after a split:
// both hold the lease all the time, and the fence alone decides.
func TestI1TwoRedis(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *database) {
		t.Helper()
		seed(t, db, plenty)
		s := newStage(t, db)
		lease := via(testserver.StartRedis(t).Addr())
		a, b := s.start(lease), s.start(via(testserver.StartRedis(t).Addr()))
		for range 3 { // each fences the other one off, in turn
			more(t, db)
			s.works(s.now(), a)
			s.works(s.now(), b)
		}
		if s.count(a, "fenced")+s.count(b, "fenced") == 0 {
			t.Errorf("nobody was fenced off; %s", s.recent())
		}
		s.finish(lease)
	})
}

// TestI1RedisStaleCopy replaces Redis by one that knows nothing of what the other
// one has promised, and back, under the feet of two processes.
func TestI1RedisStaleCopy(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *database) {
		t.Helper()
		seed(t, db, plenty)
		one, other := testserver.StartRedis(t), testserver.StartRedis(t)
		proxy := testserver.StartProxy(t, one.Addr())
		lease := via(proxy.Addr())
		s := newStage(t, db)
		s.start(lease)
		s.start(lease)
		for range 3 {
			for _, server := range []*testserver.Redis{other, one} {
				more(t, db)
				s.works(s.now())
				proxy.Retarget(server.Addr())
			}
		}
		s.works(s.now())
		s.finish(lease)
	})
}

// TestI1RedisUnreachable takes Redis away from the holder only, by refusing its
// connections or by swallowing them: it stops by itself, another one takes over,
// and it stands by when it has Redis back.
func TestI1RedisUnreachable(t *testing.T) {
	t.Parallel()
	for how, fault := range map[string]struct{ begin, end func(*testserver.Proxy) }{
		"refused":   {(*testserver.Proxy).Cut, (*testserver.Proxy).Heal},
		"swallowed": {func(p *testserver.Proxy) { p.Stall(true) }, func(p *testserver.Proxy) { p.Stall(false) }},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, db *database) {
				t.Helper()
				seed(t, db, plenty)
				server := testserver.StartRedis(t)
				s := newStage(t, db)
				ways := map[*process]*testserver.Proxy{}
				for range 2 {
					way := testserver.StartProxy(t, server.Addr())
					ways[s.start(via(way.Addr()), ttl(2*time.Second))] = way
				}
				for range 2 {
					more(t, db)
					holder := s.works(s.now()).from
					mark := s.now()
					fault.begin(ways[holder])
					s.says(mark, holder, "lease lost")
					s.works(mark, holder)
					s.says(mark, holder, "waits locker")
					fault.end(ways[holder])
					s.says(s.now(), holder, "waits held")
				}
				s.finish(via(server.Addr()))
			})
		})
	}
}

// TestI1RedisSlow makes answers of Redis take about as long as the keeper waits for
// one, and then longer: whoever works is alone, nobody works in vain, and it goes
// on once Redis is quick again.
func TestI1RedisSlow(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *database) {
		t.Helper()
		seed(t, db, plenty)
		proxy := testserver.StartProxy(t, testserver.StartRedis(t).Addr())
		lease := via(proxy.Addr())
		s := newStage(t, db)
		s.start(lease)
		s.start(lease)
		s.works(s.now())
		for _, delay := range []time.Duration{90, 150, 450} { // each way; a renewal may take a fifth of a second
			more(t, db)
			proxy.Delay(delay * time.Millisecond)
			if delay == 450 {
				saysWhy(t, db, bgtransform.ReasonLocker)
			} else {
				s.works(s.now())
			}
		}
		proxy.Delay(0)
		s.works(s.now())
		s.finish(lease)
	})
}
