package dualread_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

func TestReadAnswersByPhase(t *testing.T) {
	t.Parallel()
	moved := &track{Length: 3, LengthMS: new(int64(3456))}
	pending := &track{Length: 3}
	for name, tc := range map[string]struct {
		phase dualread.Phase
		row   *track
		want  int64
		stats dualread.Stats
	}{
		"old, moved":        {dualread.PhaseOld, moved, 3000, dualread.Stats{}},
		"old, pending":      {dualread.PhaseOld, pending, 3000, dualread.Stats{}},
		"fallback, moved":   {dualread.PhaseFallback, moved, 3456, dualread.Stats{}},
		"fallback, pending": {dualread.PhaseFallback, pending, 3000, dualread.Stats{Fallbacks: 1}},
		"compare, pending":  {dualread.PhaseCompare, pending, 3000, dualread.Stats{Fallbacks: 1}},
		"new, moved":        {dualread.PhaseNew, moved, 3456, dualread.Stats{}},
		"new, pending":      {dualread.PhaseNew, pending, 0, dualread.Stats{Missing: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newColumn(t, lengthMove())
			setPhase(t, c, tc.phase)
			if got := c.Read(tc.row); got != tc.want {
				t.Errorf("Read = %d, want %d", got, tc.want)
			}
			tc.stats.Name, tc.stats.Phase = "track-length-ms", tc.phase
			if diff := cmp.Diff(tc.stats, c.Stats()); diff != "" {
				t.Errorf("Stats (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadDoesNotCountRowsThatAreNotPending(t *testing.T) {
	t.Parallel()
	c := newColumn(t, entryMove())
	for _, phase := range dualread.Phases() {
		setPhase(t, c, phase)
		if got := c.Read(&entry{}); got != nil {
			t.Errorf("Read in %v = %d, want nil", phase, *got)
		}
	}
	want := dualread.Stats{Name: "entry_select", Phase: dualread.PhaseNew}
	if diff := cmp.Diff(want, c.Stats()); diff != "" {
		t.Errorf("Stats (-want +got):\n%s", diff)
	}
}

// Whatever the phase a value is written in, a service that goes to any other
// phase reads it.
func TestWriteSurvivesEveryChangeOfPhase(t *testing.T) {
	t.Parallel()
	for _, writing := range dualread.Phases() {
		for _, reading := range dualread.Phases() {
			c := newColumn(t, lengthMove())
			row := &track{Length: 1, LengthMS: new(int64(1000))}
			setPhase(t, c, writing)
			c.Write(row, 7000)
			setPhase(t, c, reading)
			if got := c.Read(row); got != 7000 {
				t.Errorf("written in %v, read in %v: %d, want 7000", writing, reading, got)
			}
		}
	}
}

func TestStatsAreReadWithoutKnowingTheTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []interface{ Stats() dualread.Stats }{
		newColumn(t, lengthMove()), newColumn(t, entryMove()),
	} {
		if c.Stats().Name == "" {
			t.Errorf("%T: Stats has no name", c)
		}
	}
}

func TestColumnConcurrentSafe(t *testing.T) {
	t.Parallel()
	const goroutines, reads = 8, 1000
	c := newColumn(t, lengthMove())
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			row := &track{Length: 3}
			for range reads {
				c.Read(row)
				c.Write(&track{}, 1)
				c.Expr()
				c.Stats()
			}
		})
	}
	wg.Go(func() {
		for i := range reads {
			setPhase(t, c, []dualread.Phase{dualread.PhaseFallback, dualread.PhaseNew}[i%2])
		}
	})
	wg.Wait()
	if got := c.Stats(); got.Fallbacks+got.Missing != goroutines*reads {
		t.Errorf("counted %d fallbacks and %d missing, want %d together", got.Fallbacks, got.Missing, goroutines*reads)
	}
}

// All values of a list come from one phase, while another goroutine changes it.
func TestReadAllIsOfOnePhase(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	rows := make([]track, 500)
	for i := range rows {
		rows[i] = track{Length: 1, LengthMS: new(int64(2000))}
	}
	if got := c.ReadAll(nil); len(got) != 0 {
		t.Errorf("ReadAll(nil) = %v", got)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				setPhase(t, c, []dualread.Phase{dualread.PhaseOld, dualread.PhaseNew}[i%2])
			}
		}
	})
	for range 200 {
		got := c.ReadAll(rows)
		if len(got) != len(rows) || slices.Min(got) != slices.Max(got) {
			t.Fatalf("%d values from %d to %d, want %d of one phase", len(got), slices.Min(got), slices.Max(got), len(rows))
		}
	}
	close(stop)
	wg.Wait()
	setPhase(t, c, dualread.PhaseFallback)
	if got := c.ReadAll([]track{rows[0], {Length: 7}}); !slices.Equal(got, []int64{2000, 7000}) || c.Stats().Fallbacks != 1 {
		t.Errorf("ReadAll = %v with %d fallbacks, want 2000 and 7000 with 1", got, c.Stats().Fallbacks)
	}
}
