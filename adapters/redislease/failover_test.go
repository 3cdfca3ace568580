package redislease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// name is the lease of these tests. In a Cluster, its braces alone choose the slot.
const name = "track-length-ms"

// deployment is a set of servers of which one has the lease, and others take its
// place.
type deployment struct {
	client   func() redis.UniversalClient
	master   func() *testserver.Redis
	failover func(from *testserver.Redis) *testserver.Redis // waits for it
}

// deployments start one of each kind.
func deployments() map[string]func(*testing.T) deployment {
	return map[string]func(*testing.T) deployment{
		"Cluster": func(t *testing.T) deployment {
			t.Helper()
			c := testserver.StartRedisCluster(t)
			return deployment{
				client: func() redis.UniversalClient {
					return redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), ContextTimeoutEnabled: true})
				},
				master:   func() *testserver.Redis { return c.MasterOf("{" + name + "}") },
				failover: func(from *testserver.Redis) *testserver.Redis { return c.AwaitFailover("{"+name+"}", from) },
			}
		},
		"Sentinel": func(t *testing.T) deployment {
			t.Helper()
			s := testserver.StartRedisSentinel(t)
			return deployment{
				client: func() redis.UniversalClient {
					return redis.NewFailoverClient(&redis.FailoverOptions{
						MasterName: s.MasterName(), SentinelAddrs: s.SentinelAddrs(), ContextTimeoutEnabled: true,
					})
				},
				master: s.Master, failover: s.AwaitFailover,
			}
		},
	}
}

// eachDeployment runs a test on each kind, with the clients of two instances of a
// pool that know the servers by now.
func eachDeployment(t *testing.T, test func(t *testing.T, d deployment, a, b lease.Locker)) {
	t.Helper()
	for kind, start := range deployments() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			a, b := closed(t, d.client()), closed(t, d.client())
			for _, rdb := range []redis.UniversalClient{a, b} {
				if err := rdb.Get(t.Context(), "{"+name+"}").Err(); !errors.Is(err, redis.Nil) {
					t.Fatalf("GET = %v, want redis.Nil", err)
				}
			}
			test(t, d, redislease.New(a), redislease.New(b))
		})
	}
}

type method = func(context.Context, lease.Claim) error

// outcome calls a method of a Locker until it has an outcome. A client that does
// not know of a failover yet has errors.
func outcome(t *testing.T, m method, c lease.Claim) error {
	t.Helper()
	return callUntil(t, m, c, func(err error) bool {
		return err == nil || errors.Is(err, lease.ErrLost) || errors.Is(err, lease.ErrHeld)
	})
}

// callUntil calls a method until it has returned what it should, and returns that.
// Each call has as long as a keeper would give it.
func callUntil(t *testing.T, m method, c lease.Claim, done func(error) bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		attempt, end := context.WithTimeout(ctx, time.Second)
		err := m(attempt, c)
		end()
		if done(err) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Errorf("no end to errors, the last was: %v", err)
			return err
		}
	}
}

func claimOf(holder string) lease.Claim {
	return lease.Claim{Name: name, Holder: holder, Term: holder + "'s", TTL: time.Minute}
}

// TestLeaseSurvivesFailover kills the master when its replicas know of the lease.
// The same term holds it afterwards, and nobody else gets it from the old master
// either, which comes back and knows nothing.
func TestLeaseSurvivesFailover(t *testing.T) {
	t.Parallel()
	eachDeployment(t, func(t *testing.T, d deployment, a, b lease.Locker) {
		t.Helper()
		first, second := claimOf("a"), claimOf("b")
		if err := a.Acquire(t.Context(), first); err != nil {
			t.Fatalf("Acquire = %v, want nil", err)
		}
		master := d.master()
		master.AwaitReplicas()
		master.Kill()
		d.failover(master)

		held, ok := errors.AsType[*lease.HeldError](outcome(t, b.Acquire, second))
		if !ok || held.Holder != "a" || held.Remaining <= 0 || held.Remaining > first.TTL {
			t.Errorf("Acquire after the failover: %+v, want that a holds it for less than its TTL", held)
		}
		if err := outcome(t, a.Renew, first); err != nil {
			t.Errorf("Renew after the failover = %v, want nil", err)
		}
		master.Start()
		if err := outcome(t, b.Acquire, second); !errors.Is(err, lease.ErrHeld) {
			t.Errorf("Acquire when the old master is back = %v, want lease.ErrHeld", err)
		}
		if err := outcome(t, a.Release, first); err != nil {
			t.Errorf("Release = %v, want nil", err)
		}
		if err := outcome(t, b.Acquire, second); err != nil {
			t.Errorf("Acquire of the released lease = %v, want nil", err)
		}
	})
}

// TestStaleReplicaLosesLease kills the master when no replica knows of the lease.
// Its holder is told so and takes nothing back, whoever comes first.
func TestStaleReplicaLosesLease(t *testing.T) {
	t.Parallel()
	eachDeployment(t, func(t *testing.T, d deployment, a, b lease.Locker) {
		t.Helper()
		first, second := claimOf("a"), claimOf("b")
		master := d.master()
		master.CutReplicas()
		if err := a.Acquire(t.Context(), first); err != nil {
			t.Fatalf("Acquire = %v, want nil", err)
		}
		master.Kill()
		d.failover(master)

		if err := outcome(t, a.Renew, first); !errors.Is(err, lease.ErrLost) {
			t.Errorf("Renew after the failover = %v, want lease.ErrLost", err)
		}
		if err := outcome(t, b.Acquire, second); err != nil {
			t.Fatalf("Acquire of the lease that was lost = %v, want nil", err)
		}
		for method, call := range map[string]method{"Renew": a.Renew, "Release": a.Release} {
			if err := outcome(t, call, first); !errors.Is(err, lease.ErrLost) {
				t.Errorf("%s when another term holds it = %v, want lease.ErrLost", method, err)
			}
		}
		if err := outcome(t, b.Renew, second); err != nil {
			t.Errorf("Renew by the new holder = %v, want nil", err)
		}
	})
}

// TestWorkGoesOnDuringFailover kills the master while a keeper holds the lease. The
// function is not disturbed: the lease is renewed on the replica in good time.
func TestWorkGoesOnDuringFailover(t *testing.T) {
	t.Parallel()
	eachDeployment(t, func(t *testing.T, d deployment, a, _ lease.Locker) {
		t.Helper()
		renewed := make(chan struct{}, 1)
		k := lease.Keeper{Locker: a, Holder: "a", TTL: 12 * time.Second, Events: func(e lease.Event) {
			if e.Kind == lease.Renewed {
				select {
				case renewed <- struct{}{}:
				default:
				}
			}
		}}
		err := k.Do(t.Context(), name, func(ctx context.Context) error {
			master := d.master()
			master.AwaitReplicas()
			master.Kill()
			d.failover(master)
			select {
			case <-renewed: // if before the failover, then the next one will do
			default:
			}
			select {
			case <-renewed:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			t.Errorf("Do = %v, want nil", err)
		}
	})
}

// TestFrozenMasterDoesNotHoldTwice freezes the master of a lease for long enough to
// lose it. Its holder stops before another one begins on the replica, and learns of
// it also when the old master, which remembers it, is back.
func TestFrozenMasterDoesNotHoldTwice(t *testing.T) {
	t.Parallel()
	eachDeployment(t, func(t *testing.T, d deployment, a, b lease.Locker) {
		t.Helper()
		master := d.master()
		begun := make(chan error, 1) // of the second holder: what it says about the first
		k := lease.Keeper{Locker: a, Holder: "a", TTL: 2 * time.Second}
		err := k.Do(t.Context(), name, func(ctx context.Context) error {
			master.AwaitReplicas()
			master.Freeze()
			go func() { // ends with the test at the latest
				err := callUntil(t, b.Acquire, claimOf("b"), func(err error) bool { return err == nil })
				begun <- errors.Join(err, stillRuns(ctx))
			}()
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, lease.ErrLost) {
			t.Errorf("Do = %v, want an error that is lease.ErrLost", err)
		}
		if err := <-begun; err != nil {
			t.Errorf("the second holder: %v", err)
		}
		d.failover(master)
		master.Thaw()
		if err := outcome(t, a.Acquire, claimOf("c")); !errors.Is(err, lease.ErrHeld) {
			t.Errorf("Acquire when the old master is back = %v, want lease.ErrHeld", err)
		}
	})
}

// stillRuns returns an error unless ctx has ended.
func stillRuns(ctx context.Context) error {
	if ctx.Err() == nil {
		return errors.New("it began while the first one still ran")
	}
	return nil
}
