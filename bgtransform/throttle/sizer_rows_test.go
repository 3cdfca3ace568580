package throttle_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func TestSizeFollowsTheRowsThatChange(t *testing.T) {
	t.Parallel()
	const fast = time.Millisecond
	tests := map[string]struct {
		keys, rows int
		took       time.Duration
		want       int
	}{
		"none":                            {1000, 0, fast, 1500},
		"few":                             {1000, 400, fast, 1500},
		"nearly as many as may":           {1000, 740, fast, 1216},
		"at the low edge stays":           {1000, 750, fast, 1000},
		"a little more than may":          {1100, 1001, fast, 1000},
		"as many as may":                  {1000, 1000, fast, 1000},
		"more than may":                   {2000, 2000, fast, 1000},
		"far more":                        {10_000, 10_000, fast, 1000},
		"more of many keys":               {10_000, 2000, fast, 1000}, // 4,500 were right, which is late news
		"more than may, and slow":         {2000, 2000, 400 * time.Millisecond, 450},
		"as many as may, and slow":        {1000, 1000, 200 * time.Millisecond, 450},
		"more than may, and slower still": {1000, 2000, 300 * time.Millisecond, 300},
		"given up, whatever they say":     {0, 5000, fast, 1000},
		"fewer than 0 count as none":      {1000, -7, fast, 1500},
		"several for each key":            {1000, 5000, fast, 200},
		"more than the floor allows":      {1000, 1_000_000, fast, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := throttle.New(throttle.Limits{StartBatch: 1000, MaxRows: 1000})
			p.Done(throttle.Batch{Keys: tt.keys, Rows: tt.rows, Took: tt.took})
			if got := p.Size(); got != tt.want {
				t.Errorf("Size() = %d, want %d", got, tt.want)
			}
		})
	}
}

// A table of which every row changes is walked in equal steps from the first batch
// to the last.
func TestDenseTableIsSteady(t *testing.T) {
	t.Parallel()
	for rows, want := range map[int]int{0: 400, 50: 50, 300: 300} {
		p := throttle.New(throttle.Limits{MaxRows: rows})
		for i := range 20 {
			if got := p.Size(); got != want {
				t.Fatalf("MaxRows %d: batch %d has %d keys, want %d", rows, i+1, got, want)
			}
			p.Done(full(p, time.Millisecond))
		}
	}
}

// A key may stand for several rows, as an album does for its tracks.
func TestKeysOfSeveralRows(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{StartBatch: 20, MaxRows: 400})
	for range 30 {
		keys := p.Size()
		p.Done(throttle.Batch{Keys: keys, Rows: 8 * keys, Took: time.Millisecond})
	}
	if got := p.Size(); got != 50 {
		t.Errorf("Size() = %d, want 50 for 400 rows", got)
	}
}

// An operator's bound holds from the next batch on.
func TestNewMaxRowsHold(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{MaxRows: 1000, StartBatch: 1000})
	p.Done(full(p, time.Millisecond))
	p.SetLimits(throttle.Limits{MaxRows: 100})
	if got := p.Size(); got != 100 {
		t.Errorf("Size() = %d, want 100", got)
	}
	p.Done(throttle.Batch{Keys: 100, Rows: 50, Took: time.Millisecond})
	p.SetLimits(throttle.Limits{MaxRows: 1000})
	for range 20 {
		p.Done(full(p, time.Millisecond))
	}
	if got := p.Size(); got != 1000 {
		t.Errorf("Size() after 20 batches = %d, want 1000", got)
	}
}

// What the health signals make smaller is as dense as what would be larger.
func TestRowsOfAnEasedBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{StartBatch: 10_000, MaxRows: 10_000})
		for range 20 {
			p.Done(throttle.Batch{Keys: p.Size(), Took: time.Millisecond})
		}
		p.SetLimits(throttle.Limits{MaxRows: 400})
		if got := p.Size(); got != 10_000 {
			t.Fatalf("Size() = %d, want 10000: nothing has changed there", got)
		}
		p.SetPressure(throttle.Pressure{Level: throttle.Stop, Reason: "lag"})
		p.SetPressure(throttle.Pressure{Level: throttle.Slow, Reason: "lag"})
		keys := p.Size()
		p.Done(throttle.Batch{Keys: keys, Rows: keys / 4, Took: time.Millisecond}) // 312: not too many
		p.SetPressure(throttle.Pressure{})
		pass(time.Hour)
		if got := p.Size(); got < 1400 || got > 1600 {
			t.Errorf("a batch of %d keys changed a quarter of them; Size() = %d, want 1440 for 400 rows", keys, got)
		}
	})
}

// The last batch of a table may have one key: it tells nothing of how many rows change.
func TestRowsOfATinyBatch(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{})
	for range 60 {
		p.Done(throttle.Batch{Keys: p.Size(), Took: time.Millisecond})
	}
	p.Done(throttle.Batch{Keys: 1, Rows: 1, Took: time.Millisecond})
	p.SetLimits(throttle.Limits{Duty: 0.3})
	p.SetLimits(throttle.Limits{MaxRows: 300})
	if got := p.Size(); got != 10_000 {
		t.Errorf("Size() = %d, want 10000", got)
	}
}

// What was learned of another kind of batches is forgotten: their rows too.
func TestForgetsRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.New(throttle.Limits{Duty: 1})
		for range 4 {
			work(p, full(p, time.Millisecond))
		}
		if _, why := p.Limited(); why != "batches that change about 400 rows at most" {
			t.Errorf("limited by %q", why)
		}
		p.Forget()
		if _, why := p.Limited(); why != "the database's speed, in batches of about 100ms" {
			t.Errorf("with nothing known it is limited by %q", why)
		}
		work(p, throttle.Batch{Keys: 400, Took: time.Millisecond})
		if got := p.Size(); got != 600 {
			t.Errorf("Size() after a batch of 400 that changes nothing = %d, want 600", got)
		}
	})
}

// After Shrink the size grows back to where rows bound it, and a rate is one more bound.
func TestRowsBesideOtherBounds(t *testing.T) {
	t.Parallel()
	p := throttle.New(throttle.Limits{MaxRows: 100})
	for range 6 {
		p.Shrink()
	}
	for range 30 {
		p.Done(full(p, time.Millisecond))
	}
	if got := p.Size(); got != 100 {
		t.Errorf("Size() = %d, want 100", got)
	}
	p.SetLimits(throttle.Limits{MaxRows: 100, RowsPerSecond: 30})
	if got := p.Size(); got != 30 {
		t.Errorf("Size() = %d, want 30", got)
	}
	p.SetLimits(throttle.Limits{MaxRows: 100, RowsPerSecond: 5000})
	for range 30 {
		p.Done(full(p, time.Millisecond))
	}
	if got := p.Size(); got != 100 {
		t.Errorf("Size() = %d, want 100", got)
	}
}

// ground is a table of which some stretches have been transformed already.
type ground struct {
	stretch int     // keys
	sparse  float64 // share of rows that change in every other stretch
	random  *rand.Rand
}

// changes returns how many of some keys change, and whether they reach into a stretch
// that is denser than the one in which they begin.
func (g ground) changes(from, keys int) (rows int, denser bool) {
	for at := from; at < from+keys; at++ {
		if dense := at/g.stretch%2 == 1; dense || g.random.Float64() < g.sparse {
			rows++
		}
	}
	return rows, from/g.stretch%2 == 0 && (from+keys-1)/g.stretch != from/g.stretch
}

// Only a batch that comes from a sparse stretch into a dense one may change many
// more rows than it should; no size swings; and what is sparse is walked in large steps.
func TestRowsFromSparseToDense(t *testing.T) {
	t.Parallel()
	const most = 400
	rapid.Check(t, func(rt *rapid.T) {
		g := ground{
			stretch: rapid.IntRange(100_000, 300_000).Draw(rt, "stretch"),
			sparse:  rapid.Float64Range(0, 0.02).Draw(rt, "sparse"),
			random:  rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)),
		}
		p := throttle.New(throttle.Limits{MaxRows: most})
		came, batches, sparse := false, 0, 0 // came: what ends in a dense stretch may have too few rows in it to tell
		for at := 0; at < 6*g.stretch; batches++ {
			keys := p.Size()
			rows, denser := g.changes(at, keys)
			if rows > most && !denser && !came {
				rt.Fatalf("at key %d a batch of %d keys changes %d rows, want %d at most", at, keys, rows, most)
			}
			came = denser
			if at/g.stretch%2 == 0 {
				sparse++
			}
			p.Done(throttle.Batch{Keys: keys, Rows: rows, Took: 5 * time.Millisecond})
			at += keys
		}
		// From 400 keys to 10,000 it grows for some 50 batches.
		if walked := 3 * g.stretch; sparse > walked/4000+3*60 {
			rt.Fatalf("%d keys of sparse stretches took %d batches", walked, sparse)
		}
		if dense := batches - sparse; dense > 3*g.stretch/(most*7/10) {
			rt.Fatalf("%d keys of dense stretches took %d batches", 3*g.stretch, dense)
		}
	})
}

// What changes by chance is no reason to swing.
func TestRowsThatChangeByChance(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.05, 0.1, 0.5, 0.9} {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(100*share)))
			p := throttle.New(throttle.Limits{})
			samples := make([]sample, 400)
			for i := range samples {
				keys, rows := p.Size(), 0
				for range keys {
					if random.Float64() < share {
						rows++
					}
				}
				p.Done(throttle.Batch{Keys: keys, Rows: rows, Took: 5 * time.Millisecond})
				samples[i] = sample{keys: keys, took: time.Duration(rows)}
			}
			settledAt := samples[60:]
			if got := turns(settledAt); got > 20 {
				t.Errorf("share %v: the size changed its direction %d times", share, got)
			}
			if most := over(settledAt, 400); most > 8 {
				t.Errorf("share %v: %d of %d batches changed more than 400 rows", share, most, len(settledAt))
			}
			if least := quantile(settledAt, 0.1); least < 250 {
				t.Errorf("share %v: a tenth of the batches changed %d rows or fewer", share, least)
			}
		})
	}
}
