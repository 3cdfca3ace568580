package faulttest

import (
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestI1SentinelFailover kills the master of Redis, whose replicas know nothing of
// the lease, while two processes work.
func TestI1SentinelFailover(t *testing.T) {
	t.Parallel()
	db := postgresOn(t, testserver.SharedPostgres(t))
	seed(t, db, plenty)
	servers := testserver.StartRedisSentinel(t)
	survives(t, db, func(o *order) { o.Redis, o.Master = servers.SentinelAddrs(), servers.MasterName() },
		servers.Master, func(from *testserver.Redis) { servers.AwaitFailover(from) })
}

// TestI1ClusterFailover is the same in a Redis Cluster.
func TestI1ClusterFailover(t *testing.T) {
	t.Parallel()
	db := postgresOn(t, testserver.SharedPostgres(t))
	seed(t, db, plenty)
	servers := testserver.StartRedisCluster(t)
	const slot = "{" + transform + "}"
	survives(t, db, func(o *order) { o.Redis = servers.Addrs() },
		func() *testserver.Redis { return servers.MasterOf(slot) },
		func(from *testserver.Redis) { servers.AwaitFailover(slot, from) })
}

// survives fails Redis over twice: to a replica that has followed, and to one that
// has been cut off before the lease was taken.
func survives(t *testing.T, db *database, lease func(*order), master func() *testserver.Redis, failover func(from *testserver.Redis)) {
	t.Helper()
	s := newStage(t, db)
	first := master()
	first.CutReplicas()
	s.start(lease)
	s.start(lease)
	s.works(0)
	first.Kill()
	failover(first)
	more(t, db)
	s.works(s.now())
	s.finish(lease)
}
