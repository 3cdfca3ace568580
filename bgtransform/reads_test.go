package bgtransform_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// dualTrack is toMS with the column that the app reads and writes meanwhile.
type dualTrack struct {
	bgtransform.Rows[Track]
	column bgtransform.DualColumn
}

func (d dualTrack) DualColumn() bgtransform.DualColumn { return d.column }

func newLength(t testing.TB) *dualread.Column[Track, int64] {
	t.Helper()
	column, err := dualread.New(dualread.Move[Track, int64]{
		Name: "x", OldColumns: []string{"length"}, NewColumns: []string{"length_ms"}, Forward: []string{"? * 1000"},
		Old: func(m *Track) (int64, bool) { return m.Length * 1000, true },
		New: func(m *Track) (int64, bool) {
			if m.LengthMS == nil {
				return 0, false
			}
			return *m.LengthMS, true
		},
		SetOld: func(m *Track, v int64) { m.Length = v / 1000 },
		SetNew: func(m *Track, v int64) { m.LengthMS = &v },
	})
	must(t, err)
	return column
}

// untilReads waits for what is counted in the database.
func untilReads(t testing.TB, c *bgtransform.Control, name, what string, ok func(bgtransform.Reads) bool) bgtransform.Reads {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := c.Reads(ctx, name)
		if err == nil && ok(r) {
			return r
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the reads of %s never came to be %s: %+v, %v", name, what, r, err)
		}
	}
}

// Fallbacks outlive the process that saw them, those between its last minute and its
// end included.
func TestReadsAreKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 3)
		cfg := quick(t)
		cfg.Instance = "one"
		length := newLength(t)
		in := start(t, db, cfg, dualTrack{toMS("x"), length})
		untilReads(t, in.Control(), "x", "counted, though there are none", func(r bgtransform.Reads) bool { return len(r.Instances) == 1 && r.Fallbacks == 0 })
		in.untilPhase("x", dualread.PhaseFallback)
		length.Read(&Track{})
		r := untilReads(t, in.Control(), "x", "one", func(r bgtransform.Reads) bool { return r.Fallbacks == 1 })
		if r.Since.IsZero() || r.LastFallback.Before(r.Since) || r.Seen.Before(r.LastFallback) || !r.LastMissing.IsZero() {
			t.Errorf("times of %+v", r)
		}
		must(t, length.SetPhase(dualread.PhaseNew))
		in.untilPhase("x", dualread.PhaseNew)
		for range 5 {
			length.Read(&Track{})
		}
		in.stop()

		cfg.Instance, cfg.IdlePoll = "two", time.Hour // it writes when it stops
		length = newLength(t)
		in = start(t, db, cfg, dualTrack{toMS("x"), length})
		in.untilState("x", bgtransform.StateComplete) // its tables are ready
		in.untilPhase("x", dualread.PhaseFallback)
		length.Read(&Track{})
		in.stop()
		control, err := bgtransform.NewControl(db)
		must(t, err)
		r, err = control.Reads(t.Context(), "x")
		must(t, err)
		if r.Fallbacks != 2 || r.Missing != 5 || r.LastMissing.IsZero() || len(r.Instances) != 2 || len(r.Hours) == 0 {
			t.Errorf("the reads are %+v, want 2 fallbacks and 5 missing of two instances", r)
		}
	})
}

// An instance that counts nothing new is silent, and one whose database is away
// loses nothing.
func TestReadsAreWrittenOnlyWhenTheyChange(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3)
	length := newLength(t)
	in := start(t, db, quick(t), dualTrack{toMS("x"), length})
	first := untilReads(t, in.Control(), "x", "counted", func(r bgtransform.Reads) bool { return len(r.Hours) > 0 })
	in.untilPhase("x", dualread.PhaseFallback) // in old, nothing is counted
	exec(t, db, "ALTER TABLE bgtransform_reads RENAME TO away")
	length.Read(&Track{})
	length.Read(&Track{})
	_, err := in.Control().Reads(t.Context(), "x")
	if !errors.Is(err, bgtransform.ErrUnknownTransform) {
		t.Errorf("without the table the error is %v", err)
	}
	exec(t, db, "ALTER TABLE away RENAME TO bgtransform_reads")
	was := untilReads(t, in.Control(), "x", "two", func(r bgtransform.Reads) bool { return r.Fallbacks == 2 })
	if !was.Since.Equal(first.Since) {
		t.Errorf("counted since %s, and then since %s", first.Since, was.Since)
	}
	exec(t, db, "CREATE TABLE writes (n BIGINT)")
	exec(t, db, "CREATE TRIGGER counted AFTER UPDATE ON bgtransform_reads BEGIN INSERT INTO writes VALUES (1); END")
	polls := time.NewTimer(10 * 20 * time.Millisecond)
	defer polls.Stop()
	<-polls.C
	if n := count(t, db, "SELECT count(*) FROM writes"); n != 0 {
		t.Errorf("%d writes though nothing was read", n)
	}
}

type brokenColumn struct{ dualTrack }

func (brokenColumn) DualColumn() bgtransform.DualColumn { panic("a row's value") }

// A column that panics costs the counts, and nothing else.
func TestReadsOfABrokenColumn(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3)
	in := start(t, db, quick(t), brokenColumn{dualTrack{Rows: toMS("x")}})
	in.untilState("x", bgtransform.StateComplete)
	if r, err := in.Control().Reads(t.Context(), "x"); err != nil || len(r.Hours) != 0 {
		t.Errorf("the reads are %+v, %v", r, err)
	}
}

type comparedColumn struct{ bgtransform.DualColumn }

func (comparedColumn) Stats() dualread.Stats { return dualread.Stats{Compared: 9, Mismatches: 2} }

// What a comparison finds is kept as well.
func TestReadsOfAComparison(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3)
	in := start(t, db, quick(t), dualTrack{toMS("x"), comparedColumn{newLength(t)}})
	r := untilReads(t, in.Control(), "x", "compared", func(r bgtransform.Reads) bool { return r.Compared == 9 })
	if r.Mismatches != 2 || r.LastMismatch.IsZero() || !r.LastFallback.IsZero() {
		t.Errorf("the reads are %+v, want 2 mismatches and when the last was", r)
	}
}
