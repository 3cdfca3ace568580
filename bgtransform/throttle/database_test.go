package throttle_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// database is a model of one: what a batch costs depends on its keys, on the time
// of day, and on how busy we keep it.
type database struct {
	fixed  time.Duration                        // of each batch
	perKey func(at time.Duration) time.Duration // at a time since the start
	noise  float64                              // by how much equal batches differ, as a share
	stall  func(batch int) time.Duration        // added to a batch
	reacts float64                              // how much slower it is while we use all of its time
	random *rand.Rand
	busy   float64 // share of the recent time that we used
}

func steadily(perKey time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return perKey }
}

func noStall(int) time.Duration { return 0 }

// cost returns how long a batch takes.
func (d *database) cost(batch, keys int, at time.Duration) time.Duration {
	cost := float64(d.fixed) + float64(keys)*float64(d.perKey(at))
	cost *= 1 + d.reacts*d.busy
	cost *= 1 + d.noise*(2*d.random.Float64()-1)
	return time.Duration(cost) + d.stall(batch)
}

// pacer is what paces batches: ours, or a naive one.
type pacer interface {
	Size() int
	Wait() throttle.Pause
	Done(throttle.Batch)
}

// sample is how one batch of a simulation went.
type sample struct {
	at   time.Duration // since the start
	keys int
	took time.Duration
}

// simulate runs batches in a bubble's time.
func simulate(p pacer, d *database, batches int) []sample {
	const memory = 2 * time.Second // of how busy it was
	began := time.Now()
	samples := make([]sample, batches)
	for i := range samples {
		wait := p.Wait().For
		pass(wait)
		at, keys := time.Since(began), p.Size()
		took := d.cost(i, keys, at)
		pass(took)
		p.Done(throttle.Batch{Keys: keys, Rows: keys, Took: took})
		cycle := wait + took
		weight := min(1, float64(cycle)/float64(memory))
		d.busy += weight * (float64(took)/float64(max(cycle, 1)) - d.busy)
		samples[i] = sample{at, keys, took}
	}
	return samples
}

// quantile returns the time that a share of the batches took at most.
func quantile(samples []sample, share float64) time.Duration {
	took := make([]time.Duration, len(samples))
	for i, s := range samples {
		took[i] = s.took
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(share*float64(len(took))))]
}

// over counts the batches that took longer than limit.
func over(samples []sample, limit time.Duration) (n int) {
	for _, s := range samples {
		if s.took > limit {
			n++
		}
	}
	return n
}

// turns counts how often the size changed its direction.
func turns(samples []sample) (n int) {
	up, known := false, false
	for i := 1; i < len(samples); i++ {
		step := samples[i].keys - samples[i-1].keys
		if step == 0 {
			continue
		}
		if known && (step > 0) != up {
			n++
		}
		up, known = step > 0, true
	}
	return n
}

// spread returns the smallest and the largest size.
func spread(samples []sample) (least, most int) {
	least = samples[0].keys
	for _, s := range samples {
		least, most = min(least, s.keys), max(most, s.keys)
	}
	return least, most
}

// speed returns keys per second, waits included.
func speed(samples []sample) float64 {
	keys := 0
	for _, s := range samples {
		keys += s.keys
	}
	last := samples[len(samples)-1]
	return float64(keys) / (last.at + last.took - samples[0].at).Seconds()
}

// aimd is what everybody writes first: a step more while a batch is in time, half
// of it when one is late.
type aimd struct {
	*throttle.Pacer // for the waits

	size int
}

func (a *aimd) Size() int { return a.size }

func (a *aimd) Done(b throttle.Batch) {
	a.Pacer.Done(b)
	if b.Took > 100*time.Millisecond {
		a.size = max(10, a.size/2)
	} else {
		a.size = min(10000, a.size+50)
	}
}
