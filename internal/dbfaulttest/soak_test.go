package dbfaulttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// soakFor is the environment variable that says how long the soak takes, as in
// "10m". Unset means a few seconds.
const soakFor = "DBFAULT_SOAK"

// Faults of all kinds, at random, with writers all along. A run that comes to its
// end is restarted. In the end everything is right, and was written as often as it
// is counted.
func TestI3Soak(t *testing.T) {
	t.Parallel()
	on(t, servers(), own, func(t *testing.T, p place) {
		long := 5 * time.Second
		if text := os.Getenv(soakFor); text != "" {
			var err error
			if long, err = time.ParseDuration(text); err != nil {
				t.Fatalf("%s: %v", soakFor, err)
			}
		}
		const rows = 2000
		db := p.open(t)
		p.seed(t, db, rows)
		proxy := testserver.StartProxy(t, p.server.Addr())
		cfg := quick(t)
		cfg.BatchTimeout, cfg.StatementTimeout = 2*time.Second, time.Second
		in := start(t, p.via(proxy).open(t), cfg, inGo())
		w := &writers{t: t, p: p, db: p.open(t), rows: rows}
		stop := w.run(2)
		defer stop() // twice does no harm
		faults := map[string]func(){
			"reset": proxy.Reset,
			"cut": func() {
				proxy.Cut()
				rest(t, 200*time.Millisecond)
				proxy.Heal()
			},
			"silence": func() {
				proxy.Stall(true)
				rest(t, time.Duration(rand.Int64N(int64(3*time.Second))))
				proxy.Stall(false)
			},
			"killed": func() {
				p.server.Kill()
				rest(t, time.Duration(rand.Int64N(int64(time.Second))))
				p.server.Start()
			},
			"row locked": func() {
				conn, err := p.open(t).Conn(t.Context())
				must(t, err)
				defer func() { _ = conn.Close() }()
				exec(t, conn, "BEGIN", fmt.Sprintf("SELECT id FROM items WHERE id >= %d ORDER BY id LIMIT 3 FOR UPDATE", gap*rand.Int64N(rows)))
				rest(t, time.Second)
				exec(t, conn, "ROLLBACK")
			},
		}
		seen, counted, runs := map[string]int{}, int64(0), 1
		for end := time.Now().Add(long); time.Now().Before(end); {
			for what, strike := range faults { // in random order
				strike()
				seen[what]++
				rest(t, time.Duration(rand.Int64N(int64(500*time.Millisecond))))
				if changed := in.againIfUp(); changed > 0 {
					counted += changed
					runs++
				}
			}
		}
		stop()
		st, changed := p.finish(db, in)
		t.Logf("%v: faults %v, %d writes of the app, %d rows transformed in %d runs, %d had moved on in the last, attempt %d",
			long, seen, w.wrote.Load(), counted+changed, runs, st.Moved, st.Attempt)
		p.wantRight(t, db, counted+changed)
	})
}

// againIfUp is again for a database that may be unreachable at this moment.
func (in *instance) againIfUp() int64 {
	if in.status().State != bgtransform.StateComplete {
		return 0
	}
	return in.again()
}

// rest waits while a fault lasts.
func rest(t testing.TB, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
