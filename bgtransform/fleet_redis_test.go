package bgtransform_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redisfleet"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// With the pool in Redis, whose clock is not the database's: the start waits, and a return
// opens a complete transform again, once.
func TestFleetInRedis(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: testserver.SharedRedis(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	r := redisfleet.New(client, redisfleet.WithPrefix(rand.Text()+":"))
	db := newDB(t, 60)
	old := announced(t, r, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	var pool []*instance
	for _, name := range []string{"web-1", "web-2"} {
		cfg := member(t, name, "1.5")
		cfg.Fleet, cfg.FleetRules.Settle = r, settle
		move, _ := moves(t)
		pool = append(pool, start(t, db, cfg, move))
	}
	in := pool[0]
	in.until("x", "waiting for web-3", func(st bgtransform.Status) bool { return strings.Contains(st.Here.Text, "web-3 (version 1.4)") })
	must(t, r.Leave(t.Context(), old))
	in.untilState("x", bgtransform.StateComplete)

	old = announced(t, r, fleet.Member{Instance: "web-3", Version: "1.4"}, time.Minute)
	in.until("x", "open again", func(st bgtransform.Status) bool { return st.Run == 2 })
	exec(t, db, "UPDATE tracks SET length = 7777 WHERE id = 3")
	must(t, r.Leave(t.Context(), old))
	in.untilState("x", bgtransform.StateComplete)
	if n, whys := stale(t, db), fleetActions(t, in.Control(), "x"); n != 0 || len(whys) != 1 {
		t.Errorf("%d rows are not what the old column says; the log of actions has %q, want one", n, whys)
	}
	outside, err := bgtransform.NewControl(db)
	must(t, err)
	all, err := outside.WithFleet(r).Fleet(t.Context())
	must(t, err)
	if len(all) != 4 || !all[0].Live || !all[1].Live || all[2].Live {
		t.Errorf("from outside the pool is %+v, want two that are live and two that are gone", all)
	}
}
