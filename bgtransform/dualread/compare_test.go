package dualread_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// comparing is a column in PhaseCompare that compares every read.
func comparing[M, V any](tb testing.TB, move dualread.Move[M, V]) *dualread.Column[M, V] {
	tb.Helper()
	move.Phase, move.Compare.Share = dualread.PhaseCompare, 1
	return newColumn(tb, move)
}

// untilStats waits for what goroutines count.
func untilStats(tb testing.TB, c interface{ Stats() dualread.Stats }, what string, ok func(dualread.Stats) bool) {
	tb.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok(c.Stats()) {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("the stats never came to be %s: %+v", what, c.Stats())
		}
	}
}

func counted(compared, mismatches, uncompared uint64) func(dualread.Stats) bool {
	return func(s dualread.Stats) bool {
		return s.Compared == compared && s.Mismatches == mismatches && s.Uncompared == uncompared
	}
}

func TestCompareKnowsWhatGoesTogether(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		row        track
		mismatches uint64
	}{
		"moved":                      {track{Length: 3, LengthMS: new(int64(3000))}, 0},
		"written by a dual write":    {track{Length: 3, LengthMS: new(int64(3456))}, 0},
		"written by an old instance": {track{Length: 7, LengthMS: new(int64(3456))}, 1},
	} {
		c := comparing(t, lengthMove())
		if got := c.Read(&tc.row); got != *tc.row.LengthMS {
			t.Errorf("%s: Read = %d, want the new value", name, got)
		}
		untilStats(t, c, name, counted(1, tc.mismatches, 0))
	}
	c := comparing(t, entryMove())
	c.Read(&entry{Select: new(int64(5))}) // an old instance has taken the value away
	untilStats(t, c, "a mismatch of a value that is gone", counted(1, 1, 0))
	c.Read(&entry{})
	c.Read(&entry{Order: new(int64(0)), From: new(int64(5)), Select: new(int64(5))}) // pointers to equal values
	untilStats(t, c, "no further mismatch", counted(2, 1, 0))
}

func TestCompareComparesOnlyInItsPhase(t *testing.T) {
	t.Parallel()
	for _, phase := range dualread.Phases() {
		move := lengthMove()
		raised := &raiser{}
		move.Phase, move.Compare.Raise = phase, raised
		c := newColumn(t, move)
		c.Read(&track{Length: 7, LengthMS: new(int64(3456))})
		c.Read(&track{Length: 7}) // pending: there is nothing to compare
		want := 0
		if phase == dualread.PhaseCompare {
			want = 1
		}
		if got := raised.n.Load(); got != int64(want) || c.Stats().Compared != uint64(want) {
			t.Errorf("%v: %d raised of %d compared, want %d", phase, got, c.Stats().Compared, want)
		}
	}
}

// raiser is a test that counts its errors.
type raiser struct {
	n    atomic.Int64
	text atomic.Value
}

func (r *raiser) Helper() {}

func (r *raiser) Errorf(format string, args ...any) {
	r.n.Add(1)
	r.text.Store(fmt.Sprintf(format, args...))
}

// What is reported has the row's key if the app gives one, and never a value.
func TestCompareReports(t *testing.T) {
	t.Parallel()
	got := make(chan dualread.Mismatch, 2)
	move := lengthMove()
	move.Compare.OnMismatch = func(m dualread.Mismatch) { got <- m }
	row := &track{ID: 12, Length: 7, LengthMS: new(int64(3456))}
	comparing(t, move).Read(row)
	if m, want := <-got, (dualread.Mismatch{Move: "track-length-ms"}); m != want {
		t.Errorf("reported %+v, want %+v", m, want)
	}
	move.Compare.Key = func(m *track) string { return fmt.Sprint(m.ID) }
	comparing(t, move).Read(row)
	if m, want := <-got, (dualread.Mismatch{Move: "track-length-ms", Key: "12"}); m != want {
		t.Errorf("reported %+v, want %+v", m, want)
	}
	raised := &raiser{}
	move.Compare.OnMismatch, move.Compare.Raise = nil, raised
	comparing(t, move).Read(row)
	const want = `dualread: move "track-length-ms": the old and the new value of a row do not go together (key "12")`
	if raised.text.Load() != want {
		t.Errorf("raised %q, want %q", raised.text.Load(), want)
	}
}

// Functions that hang keep a comparison each, and no read.
func TestCompareNeverHoldsAReadUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	move := lengthMove()
	move.Compare.Equal = func(a, b int64) bool { <-release; return a == b }
	c := comparing(t, move)
	row := &track{Length: 3, LengthMS: new(int64(3000))}
	for range 50 {
		if got := c.Read(row); got != 3000 {
			t.Fatalf("Read = %d, want 3000", got)
		}
	}
	if got := c.Stats(); got.Compared != 0 || got.Uncompared != 46 {
		t.Errorf("%+v: want 4 of 50 comparisons to hang and no more to be tried", got)
	}
	close(release)
	untilStats(t, c, "done", counted(4, 0, 46))
}

func TestCompareContainsPanics(t *testing.T) {
	t.Parallel()
	boom := func() { panic("boom") }
	for name, change := range map[string]func(*dualread.Move[track, int64]){
		"Equal": func(m *dualread.Move[track, int64]) {
			m.Compare.Equal = func(int64, int64) bool { boom(); return true }
		},
		"Key":    func(m *dualread.Move[track, int64]) { m.Compare.Key = func(*track) string { boom(); return "" } },
		"Old":    func(m *dualread.Move[track, int64]) { m.Old = func(*track) (int64, bool) { boom(); return 0, true } },
		"SetOld": func(m *dualread.Move[track, int64]) { m.SetOld = func(*track, int64) { boom() } },
	} {
		move := lengthMove()
		change(&move)
		c := comparing(t, move)
		for range 10 { // more than there are comparisons at a time
			before := c.Stats().Uncompared
			if got := c.Read(&track{Length: 7, LengthMS: new(int64(3456))}); got != 3456 {
				t.Errorf("%s: Read = %d, want 3456", name, got)
			}
			untilStats(t, c, "one more that could not be compared", func(s dualread.Stats) bool { return s.Uncompared == before+1 })
		}
	}
	move := lengthMove()
	move.Compare.OnMismatch = func(dualread.Mismatch) { boom() }
	c := comparing(t, move)
	c.Read(&track{Length: 7, LengthMS: new(int64(3456))})
	untilStats(t, c, "a mismatch whose handler panics", counted(1, 1, 1))
}

// A model may be changed as soon as Read has returned, also where its value is
// behind a pointer: the race detector would tell.
func TestCompareSharesNoMemoryWithTheModel(t *testing.T) {
	t.Parallel()
	c := comparing(t, entryMove())
	for i := range int64(200) {
		row := &entry{Order: new(int64(0)), From: new(i), Select: new(i)}
		c.Read(row)
		*row.Select, *row.From = -1, -2
	}
	untilStats(t, c, "all there", func(s dualread.Stats) bool { return s.Compared+s.Uncompared == 200 })
	if got := c.Stats().Mismatches; got != 0 {
		t.Errorf("%d mismatches, want 0", got)
	}
}

func TestCompareTakesItsShare(t *testing.T) {
	t.Parallel()
	move := lengthMove()
	move.Phase, move.Compare.Share = dualread.PhaseCompare, 0.25
	c := newColumn(t, move)
	row := &track{Length: 3, LengthMS: new(int64(3000))}
	for range 4000 {
		c.Read(row)
	}
	untilStats(t, c, "about a quarter of 4000", func(s dualread.Stats) bool {
		n := s.Compared + s.Uncompared
		return n > 800 && n < 1200
	})
}

// A value that costs a query is read beside the request, with a context of its own.
func TestCompareReadsElsewhere(t *testing.T) {
	t.Parallel()
	type key struct{}
	move := lengthMove()
	move.Compare.Budget = 30 * time.Millisecond
	c := comparing(t, move)
	row := &track{Length: 3}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "of the request"))
	cancel() // the request is over
	c.Compare(ctx, row, func(ctx context.Context) (int64, error) {
		if ctx.Err() != nil || ctx.Value(key{}) != "of the request" {
			t.Errorf("the context is not that of the request without its end: %v", ctx.Err())
		}
		return 3999, nil
	})
	untilStats(t, c, "compared", counted(1, 0, 0))
	c.Compare(ctx, row, func(context.Context) (int64, error) { return 4000, nil })
	untilStats(t, c, "a mismatch", counted(2, 1, 0))
	c.Compare(ctx, row, func(ctx context.Context) (int64, error) { <-ctx.Done(); return 0, ctx.Err() })
	untilStats(t, c, "given up", counted(2, 1, 1))
	c.Compare(ctx, row, func(context.Context) (int64, error) { panic("boom") })
	untilStats(t, c, "contained", counted(2, 1, 2))
	setPhase(t, c, dualread.PhaseFallback)
	c.Compare(ctx, row, func(context.Context) (int64, error) { t.Error("read in PhaseFallback"); return 0, errors.New("no") })
}

// moment has a notion of its own of what is equal.
type moment struct{ at time.Time }

func (m moment) Equal(other moment) bool { return m.at.Equal(other.at) }

func TestCompareByTheValuesOwnEqual(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	move := dualread.Move[track, moment]{
		Name: "moment", OldColumns: []string{"length"}, NewColumns: []string{"length_ms"},
		Old:    func(*track) (moment, bool) { return moment{noon}, true },
		New:    func(*track) (moment, bool) { return moment{noon.In(time.FixedZone("x", 3600))}, true },
		SetOld: func(*track, moment) {}, SetNew: func(*track, moment) {},
	}
	c := comparing(t, move)
	c.Read(&track{})
	untilStats(t, c, "equal", counted(1, 0, 0))
}
