package throttle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// model is a database: a batch costs a fixed time and one for each key, with
// noise, which is the share by which two equal batches may differ from the mean.
type model struct {
	fixed, perKey time.Duration
	noise         float64
	random        *rand.Rand
}

// run runs one batch as large as p allows.
func (m *model) run(p *throttle.Pacer) throttle.Batch {
	cost := m.fixed + time.Duration(p.Size())*m.perKey
	cost += time.Duration(float64(cost) * m.noise * (2*m.random.Float64() - 1))
	pass(p.Wait().For)
	b := full(p, cost)
	work(p, b)
	return b
}

func TestSizeSettlesNearTheTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &model{fixed: 2 * time.Millisecond, random: rand.New(rand.NewPCG(1, 2))}
		p := throttle.New(timed())
		// The load changes: what a key costs goes up at once by 50, down, up a little.
		for _, perKey := range []time.Duration{20, 1000, 40, 60, 15, 2000} {
			m.perKey = perKey * time.Microsecond
			for range 15 {
				m.run(p)
			}
			size := p.Size()
			for i := range 100 {
				b := m.run(p)
				if b.Took < 70*time.Millisecond || b.Took > 100*time.Millisecond {
					t.Errorf("%v per key, batch %d of %d keys took %v, want near 100ms", m.perKey, i, b.Keys, b.Took)
				}
			}
			if got := p.Size(); got != size {
				t.Errorf("%v per key: size went from %d to %d under a steady load", m.perKey, size, got)
			}
		}
	})
}

func TestSizeDoesNotSwingUnderNoise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{
			fixed:  time.Duration(rapid.IntRange(0, 20).Draw(rt, "fixed ms")) * time.Millisecond,
			perKey: time.Duration(rapid.IntRange(10, 1000).Draw(rt, "key us")) * time.Microsecond,
			noise:  0.2,
			random: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)),
		}
		inBubble(t, rt, func() error { return noisyRun(m) })
	})
}

// noisyRun lets the size settle and then reports by how much it swings.
func noisyRun(m *model) error {
	p := throttle.New(timed())
	for range 30 {
		m.run(p)
	}
	least, most := p.Size(), p.Size()
	for range 200 {
		b := m.run(p)
		least, most = min(least, b.Keys), max(most, b.Keys)
		if b.Took > 150*time.Millisecond || b.Took < 40*time.Millisecond {
			return fmt.Errorf("a batch of %d keys took %v, want near 100ms", b.Keys, b.Took)
		}
	}
	if most > 2*least {
		return fmt.Errorf("size swings between %d and %d", least, most)
	}
	return nil
}

func TestPredictIsAnUpperEstimate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &model{
			fixed: 5 * time.Millisecond, perKey: 50 * time.Microsecond, noise: 0.3, random: rand.New(rand.NewPCG(3, 4)),
		}
		p := throttle.New(timed())
		above, tight := 0, 0
		m.run(p)
		for range 1000 {
			predicted := p.Predict()
			b := m.run(p)
			if b.Took <= predicted {
				above++
			}
			if predicted <= 3*b.Took {
				tight++
			}
		}
		if above < 900 || tight < 900 {
			t.Errorf("of 1000 predictions %d were not too low and %d at most 3 times too high, want 900 of each", above, tight)
		}
	})
}

func TestPredict(t *testing.T) {
	t.Parallel()
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	tests := map[string]struct {
		batches []throttle.Batch
		want    time.Duration // of 100 keys
	}{
		"none":                          {nil, 0},
		"given up":                      {[]throttle.Batch{{Took: ms(500)}}, 0},
		"all that it takes":             {[]throttle.Batch{{Keys: 100, Took: ms(80), Code: ms(20), Waited: ms(7)}}, ms(107)},
		"one":                           {[]throttle.Batch{{Keys: 100, Took: ms(80)}}, ms(80)},
		"the slowest":                   {[]throttle.Batch{{Keys: 100, Took: ms(80)}, {Keys: 100, Took: ms(90)}, {Keys: 100, Took: ms(85)}}, ms(90)},
		"fewer keys in proportion":      {[]throttle.Batch{{Keys: 50, Took: ms(80)}}, ms(160)},
		"few keys only":                 {[]throttle.Batch{{Keys: 1, Took: ms(76)}, {Keys: 2, Took: ms(76)}}, ms(3800)},
		"few keys beside many":          {[]throttle.Batch{{Keys: 100, Took: ms(80)}, {Keys: 1, Took: ms(76)}}, ms(80)},
		"more keys take what they took": {[]throttle.Batch{{Keys: 200, Took: ms(80)}}, ms(80)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := throttle.New(throttle.Limits{MinBatch: 100, StartBatch: 100, MaxBatch: 100})
			for _, b := range tt.batches {
				p.Done(b)
			}
			if got := p.Predict(); got != tt.want {
				t.Errorf("Predict() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPredictForgets(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{MinBatch: 100, StartBatch: 100, MaxBatch: 100})
	p.Done(full(p, time.Minute))
	for range 15 {
		p.Done(full(p, time.Millisecond))
	}
	if got := p.Predict(); got != time.Minute {
		t.Errorf("Predict() = %v, want 1m0s: it is one of the last 16", got)
	}
	p.Done(full(p, time.Millisecond))
	if got := p.Predict(); got != time.Millisecond {
		t.Errorf("Predict() = %v, want 1ms", got)
	}
}
