package throttle_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

const (
	aimedAt = 100 * time.Millisecond
	settled = 20 // batches after which the size has settled
	lasting = 400
)

// timed are limits under which the size follows the time alone.
func timed() throttle.Limits { return throttle.Limits{MaxRows: 10_000} }

// usual returns a database whose batches of some 1,700 keys take as long as they should.
func usual() *database {
	return &database{fixed: 5 * time.Millisecond, perKey: steadily(50 * time.Microsecond), noise: 0.2, stall: noStall}
}

// eachSeed runs a simulation of ours, and one of the naive pacer, in several worlds
// that differ by chance only.
func eachSeed(t *testing.T, world func() *database, check func(t *testing.T, ours, naive []sample)) {
	t.Helper()
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			run := func(p pacer) []sample {
				d := world()
				d.random = rand.New(rand.NewPCG(seed, 1))
				return simulate(p, d, lasting)
			}
			check(t, run(throttle.New(timed())), run(&aimd{throttle.New(timed()), 400}))
		})
	}
}

// wantSteady fails unless the batches take what they should, without swings: nine
// of ten no longer than the target, half of them nearly as long, and with few
// changes of direction. wide is the ratio that the largest size may have to the smallest.
func wantSteady(t *testing.T, samples []sample, mostTurns int, wide float64) {
	t.Helper()
	if got := quantile(samples, 0.9); got > aimedAt {
		t.Errorf("nine of ten batches took up to %v, want %v", got, aimedAt)
	}
	if got := quantile(samples, 1); got > aimedAt*3/2 {
		t.Errorf("a batch took %v, want %v at most", got, aimedAt*3/2)
	}
	if got := quantile(samples, 0.5); got < aimedAt*3/5 {
		t.Errorf("half of the batches took less than %v, want %v", got, aimedAt*3/5)
	}
	if got := turns(samples); got > mostTurns {
		t.Errorf("the size changed its direction %d times in %d batches, want %d at most", got, len(samples), mostTurns)
	}
	if least, most := spread(samples); float64(most) > wide*float64(least) {
		t.Errorf("the size swings between %d and %d", least, most)
	}
}

// A size that has settled stays, although no batch is like another, and costs next
// to nothing against one that follows each batch.
func TestControllerSettles(t *testing.T) {
	eachSeed(t, usual, func(t *testing.T, ours, naive []sample) {
		wantSteady(t, ours[settled:], 20, 1.5)
		if n := turns(naive[settled:]); n < 2*turns(ours[settled:]) {
			t.Errorf("the naive pacer changed its direction %d times only: the model is too kind", n)
		}
		if ratio := speed(ours) / speed(naive); ratio < 0.95 {
			t.Errorf("ours does %.2f of the keys of the naive pacer", ratio)
		}
	})
}

// A step for a naive pacer is 50 keys, which are too many where a key is slow.
func TestControllerWithSlowKeys(t *testing.T) {
	world := func() *database {
		d := usual()
		d.perKey = steadily(4 * time.Millisecond)
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, naive []sample) {
		wantSteady(t, ours[settled:], 30, 1.6)
		if n := over(naive[settled:], aimedAt*6/5); n < lasting/4 {
			t.Errorf("only %d batches of the naive pacer were late: the model is too kind", n)
		}
	})
}

// More than half of the target may go for what does not depend on the keys.
func TestControllerWithAFixedCost(t *testing.T) {
	world := func() *database {
		d := usual()
		d.fixed = 60 * time.Millisecond
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) { wantSteady(t, ours[settled:], 20, 2) })
}

// A database that becomes slower by what we do to it is no reason to swing.
func TestControllerWithALoadThatReacts(t *testing.T) {
	world := func() *database {
		d := usual()
		d.reacts = 4
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) { wantSteady(t, ours[settled:], 20, 1.7) })
}

// One batch finds out that the capacity has dropped to an eighth; the next are in time.
func TestControllerAfterADrop(t *testing.T) {
	const drop = 40 * time.Second
	world := func() *database {
		d := usual()
		d.noise = 0.1
		d.perKey = func(at time.Duration) time.Duration {
			if at > drop {
				return 400 * time.Microsecond
			}
			return 50 * time.Microsecond
		}
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) {
		if n := over(ours, aimedAt*6/5); n != 1 {
			t.Errorf("%d batches took more than a fifth too long, want only the one that found out", n)
		}
		wantSteady(t, ours[len(ours)-100:], 10, 1.5)
	})
}

// What becomes slower little by little is followed.
func TestControllerOnARamp(t *testing.T) {
	world := func() *database {
		d := usual()
		d.noise = 0.1
		d.perKey = func(at time.Duration) time.Duration { return 20*time.Microsecond + at/100_000 }
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) {
		if n := over(ours[settled:], aimedAt*6/5); n > 0 {
			t.Errorf("%d batches took more than a fifth too long", n)
		}
		if got := quantile(ours[settled:], 0.5); got < aimedAt*4/5 {
			t.Errorf("half of the batches took less than %v", got)
		}
	})
}

// A checkpoint of the database stalls a batch now and then. The size is what it
// was within seconds, and little is lost.
func TestControllerWithStalls(t *testing.T) {
	const every = 50 // batches, some 10 s
	world := func() *database {
		d := usual()
		d.noise = 0.1
		d.stall = func(batch int) time.Duration {
			if batch%every == every-1 {
				return 600 * time.Millisecond
			}
			return 0
		}
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, naive []sample) {
		if n := over(ours[settled:], aimedAt*6/5); n != lasting/every {
			t.Errorf("%d batches took more than a fifth too long, want the %d that were stalled", n, lasting/every)
		}
		for i := every - 1; i+15 < len(ours); i += every {
			before, after := ours[i].keys, ours[i+15]
			if float64(after.keys) < 0.75*float64(before) {
				t.Errorf("15 batches after a stall the size is %d, want nearly %d", after.keys, before)
			}
			if d := after.at - ours[i+1].at; d > 3*time.Second {
				t.Errorf("15 batches after a stall took %v", d)
			}
		}
		if ratio := speed(ours) / speed(naive); ratio < 0.95 {
			t.Errorf("ours does %.2f of the keys of the naive pacer", ratio)
		}
	})
}

// At first nothing is in the database's memory.
func TestControllerOnAColdCache(t *testing.T) {
	world := func() *database {
		d := usual()
		d.perKey = func(at time.Duration) time.Duration {
			return 50*time.Microsecond + max(0, 500*time.Microsecond-at/40_000)
		}
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) {
		if n := over(ours, aimedAt*3/2); n > 1 {
			t.Errorf("%d batches took more than half too long, want the first at most", n)
		}
		wantSteady(t, ours[len(ours)-100:], 10, 1.6)
	})
}

// A range of keys with little to do is followed by one that is full: one batch
// is far too large, by as much as MaxBatch allows, and no other.
func TestControllerFromSparseToDense(t *testing.T) {
	world := func() *database {
		d := usual()
		d.noise = 0.1
		d.perKey = func(at time.Duration) time.Duration {
			if int(at/(20*time.Second))%2 == 0 {
				return 2 * time.Microsecond
			}
			return 50 * time.Microsecond
		}
		return d
	}
	eachSeed(t, world, func(t *testing.T, ours, _ []sample) {
		late := over(ours, aimedAt*6/5)
		changes := int(ours[len(ours)-1].at/(20*time.Second)+1) / 2
		if late > changes {
			t.Errorf("%d batches took more than a fifth too long in %d changes to a dense range", late, changes)
		}
		if got := quantile(ours, 1); got > 600*time.Millisecond {
			t.Errorf("a batch took %v, more than 10000 keys can", got)
		}
	})
}

// A replica that cannot follow at full speed is given the time to: its lag
// stays far below where everything stops, and the batches go on at a good part of
// what it can take.
func TestControllerWithAReplicaThatLags(t *testing.T) {
	t.Parallel()
	const replays = 4000.0 // keys per second: half of what we would do
	synctest.Test(t, func(t *testing.T) {
		p, d := throttle.New(timed()), usual()
		d.random = rand.New(rand.NewPCG(1, 1))
		began, last := time.Now(), time.Now()
		behind, worst, done := 0.0, 0.0, 0
		for time.Since(began) < 10*time.Minute {
			pass(p.Wait().For)
			keys := p.Size()
			took := d.cost(0, keys, 0)
			pass(took)
			p.Done(throttle.Batch{Keys: keys, Rows: keys, Took: took})
			done += keys
			behind = max(0, behind+float64(keys)-replays*time.Since(last).Seconds())
			last = time.Now()
			worst = max(worst, behind/replays)
			switch {
			case behind > 10*replays:
				p.SetPressure(throttle.Pressure{Level: throttle.Stop, Reason: "lag > 10 s"})
			case behind > 2*replays:
				p.SetPressure(throttle.Pressure{Level: throttle.Slow, Reason: "lag > 2 s"})
			default:
				p.SetPressure(throttle.Pressure{})
			}
		}
		if worst > 4 {
			t.Errorf("the replica was up to %.1f s behind, want 4 s at most", worst)
		}
		if got := float64(done) / time.Since(began).Seconds(); got < replays/2 {
			t.Errorf("%.0f keys per second, want at least half of the %.0f that the replica can take", got, replays)
		}
		t.Logf("worst lag %.1f s, %.0f keys per second", worst, float64(done)/time.Since(began).Seconds())
	})
}
