package faulttest

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// kills is how many holders die on each database, with each lease.
func kills() int { return often(50) }

// often is how often something random is done: n times where CI=true, less where
// somebody waits for it.
func often(n int) int {
	if os.Getenv("CI") == "true" {
		return n
	}
	return max(1, n/3)
}

// moments are where a holder is killed, in turn: at any time, and at each kind of
// line of its life.
func moments() []string {
	return []string{
		atTime, atFence, atTime, atFence + " commit", atTime, atFence + " committed", atTime, atBatch,
	}
}

// beginnings are where some are killed as soon as they have the lease.
func beginnings() []string {
	return []string{"", atClaim, "", atAcquired, "", atState, "", atClaim + " committed", "", "", ""}
}

// TestI2KilledHolder kills the holder of a pool of three, and replaces it at once,
// again and again.
func TestI2KilledHolder(t *testing.T) {
	t.Parallel()
	eachLease(t, func(t *testing.T, db *database, lease func(*order)) {
		t.Helper()
		const term = time.Second
		seed(t, db, plenty)
		s := newStage(t, db)
		start := func(trap string) {
			s.start(lease, ttl(term), func(o *order) { o.Trap = trap })
		}
		for range 3 {
			start("")
		}
		took := killing(t, s, start)
		s.finish(lease)
		slices.Sort(took)
		t.Logf("from SIGKILL to the next batch of another process, ttl %s, %d times: median %s, max %s", term, len(took), took[len(took)/2], took[len(took)-1])
	})
}

// killing kills whoever holds the lease until enough have died, and returns how
// long it took each time until another one had committed a batch.
func killing(t *testing.T, s *stage, start func(trap string)) (took []time.Duration) {
	t.Helper()
	var armed *process
	var died time.Time
	for mark, n := 0, 0; n < kills(); {
		var e event
		e, mark = s.next(mark)
		switch {
		case e.is("exit"):
			if e.from.cmd.ProcessState.Success() {
				t.Fatalf("%s ended by itself", e.from.order.Name)
			}
			n++
			more(t, s.db)
			died, armed = e.at, nil
			if at := beginnings()[n%len(beginnings())]; at != "" {
				start("kill 1 " + at)
			} else {
				start("")
			}
		case e.is("batch") && e.from != armed:
			if !died.IsZero() {
				took = append(took, e.at.Sub(died))
				died = time.Time{}
			}
			at, nth := moments()[n%len(moments())], 1+rand.N(5)
			if at == atTime {
				nth = rand.N(150)
			}
			e.from.trap("kill", nth, at)
			armed = e.from
		}
	}
	return took
}

// plenty is how many rows there are always to do.
const plenty = 10_000

// more adds rows where few are left, however fast the machine is.
func more(t *testing.T, db *database) {
	t.Helper()
	if count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL") < plenty {
		grow(t, db, int(count(t, db, "SELECT count(*) FROM tracks"))+plenty)
	}
}

// TestI2KilledAtPassEnd kills holders around the last lines of a pass and of the
// run, one after the other.
func TestI2KilledAtPassEnd(t *testing.T) {
	t.Parallel()
	eachLease(t, func(t *testing.T, db *database, lease func(*order)) {
		t.Helper()
		const rows = 200
		seed(t, db, rows)
		s := newStage(t, db)
		// Each attempt writes a state as it begins, and the next one at the end.
		for _, trap := range []string{
			"kill 2 state", "kill 2 state commit", "kill 2 state committed", // the first pass has found rows
			"kill 2 state", "kill 2 state commit", // the second has not: it is complete
		} {
			s.start(lease, ttl(2*time.Second), func(o *order) { o.Trap = trap }).exit()
			if st := status(t, db); st.State == "complete" {
				t.Fatalf("complete although the process that said so was killed: %s", trap)
			}
		}
		s.start(lease)
		if st := complete(t, db); st.Pass != 2 {
			t.Errorf("status %+v, want complete in pass 2", st)
		}
		exactlyOnce(t, db, rows)
	})
}
