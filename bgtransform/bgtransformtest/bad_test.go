package bgtransformtest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

func TestRunReports(t *testing.T) {
	t.Parallel()
	each := func(fn func(ctx context.Context, m *Track) error) bgtransform.Transform {
		transform := goodRows()
		transform.Each = fn
		return transform
	}
	cases := map[string]struct {
		transform bgtransform.Transform
		opts      []bgtransformtest.Option
		want      []string
	}{
		"an increment that its condition does not guard": {
			transform: bgtransform.SQL[Track]{Name: "plays", Pending: "plays < 1000", Set: "plays = plays + 1"},
			want:      []string{`transform "plays" is failed, want it complete`, "still_pending"},
		},
		"a condition that never turns false": {
			transform: bgtransform.SQL[Track]{Name: "never", Pending: "1 = 1", Set: "length_ms = length * 1000"},
			want:      []string{`transform "never" is failed, want it complete`, "still_pending"},
		},
		"rows that user code refuses": {
			transform: each(func(ctx context.Context, m *Track) error {
				if m.Length == 101 {
					return errors.New("no such length")
				}
				return toMS(ctx, m)
			}),
			want: []string{"is waiting, want it complete", "(quarantine)", `key 2: no such length (error)`},
		},
		"a panic": {
			transform: each(func(context.Context, *Track) error { panic("boom") }),
			want:      []string{"is waiting, want it complete", `: panic: boom (panic)`, "… and 10 more", "bad_test.go"},
		},
		"a column that is not there": {
			transform: bgtransform.SQL[Track]{Name: "schema", Pending: "len IS NULL", Set: "length = 1"},
			want:      []string{`transform "schema" is waiting`, "(schema)", "no such column: len"},
		},
		"a batch that the database refuses": {
			transform: bgtransform.SQL[Track]{Name: "refused", Pending: "length_ms IS NULL", Set: "length_ms = abs(-9223372036854775808)"},
			want:      []string{"is waiting", "refused by the database", "in its own words", "integer overflow"},
		},
		"a kind that panics": {
			transform: custom{func(context.Context, *bun.DB, int64, int64) (bgtransform.Step, error) { panic("boom") }},
			want:      []string{"is failed", "panic: boom", "bad_test.go"},
		},
		"a definition that is refused": {
			transform: bgtransform.SQL[Track]{Name: "refused"},
			want:      []string{"Pending is empty", "Set is empty"},
		},
		"user code that hangs": {
			transform: each(func(ctx context.Context, _ *Track) error { <-ctx.Done(); return ctx.Err() }),
			opts:      []bgtransformtest.Option{bgtransformtest.WithTimeout(500 * time.Millisecond)},
			want:      []string{"did not end within 500ms; it was ", "the engine's log"},
		},
		"a flag that switches it off": {
			transform: goodSQL(),
			opts: []bgtransformtest.Option{bgtransformtest.WithConfig(func(cfg *bgtransform.Config) {
				cfg.Environ = []string{"BGTRANSFORM_ENABLED=false"}
			})},
			want: []string{"is pending, want it complete", "it waited for: disabled", "BGTRANSFORM_ENABLED"},
		},
		"quarantine that was expected and is missing": {
			transform: goodSQL(),
			opts:      []bgtransformtest.Option{bgtransformtest.WithQuarantine(2)},
			want:      []string{"is complete, want it done but for 2 rows in quarantine"},
		},
		"options that make no sense": {
			transform: goodSQL(),
			opts:      []bgtransformtest.Option{bgtransformtest.WithBatchSize(0), bgtransformtest.WithoutColumns("title")},
			want:      []string{"WithBatchSize was given 0", `WithoutColumns was given "title"`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := failures(t, func(tb testing.TB) { bgtransformtest.Run(tb, twenty(), c.transform, c.opts...) })
			wantReport(t, report, c.want...)
		})
	}
}

// bump returns a custom kind that counts plays up, wherever its SQL is run.
func bump(sets ...string) func(ctx context.Context, db bun.IDB, from, to int64) error {
	return func(ctx context.Context, db bun.IDB, from, to int64) error {
		for _, set := range sets {
			if _, err := db.ExecContext(ctx, "UPDATE tracks SET "+set+" WHERE id > ? AND id <= ?", from, to); err != nil {
				return err
			}
		}
		return nil
	}
}

// outside does its work before the transaction, where a crash repeats it.
func outside(work func(ctx context.Context, db bun.IDB, from, to int64) error) custom {
	return custom{func(ctx context.Context, db *bun.DB, from, to int64) (bgtransform.Step, error) {
		return bgtransform.Step{Apply: applied(nil)}, work(ctx, db, from, to)
	}}
}

// inside does its work in the transaction.
func inside(work func(ctx context.Context, db bun.IDB, from, to int64) error) custom {
	return custom{func(_ context.Context, _ *bun.DB, from, to int64) (bgtransform.Step, error) {
		return bgtransform.Step{Apply: applied(func(ctx context.Context, tx bun.Tx) error { return work(ctx, tx, from, to) })}, nil
	}}
}

// applied claims to have found nothing, so that one pass is all there is.
func applied(fn func(ctx context.Context, tx bun.Tx) error) func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
	return func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
		if fn == nil {
			return bgtransform.Applied{Changed: 3, Found: 0}, nil
		}
		return bgtransform.Applied{Changed: 3, Found: 0}, fn(ctx, tx)
	}
}

func TestKillEverywhereReports(t *testing.T) {
	t.Parallel()
	t.Run("work outside the transaction", func(t *testing.T) {
		t.Parallel()
		report := failures(t, func(tb testing.TB) {
			bgtransformtest.KillEverywhere(tb, five(), outside(bump("plays = plays + 1")))
		})
		wantReport(t, report, `transform "custom", killed `, "in batch 1 (pass 1)", "tracks id=1: plays is 2, want 1; changed 2 times, want once", "disturbed runs ended otherwise")
	})
	t.Run("work done twice that leaves no trace in the rows", func(t *testing.T) {
		t.Parallel()
		report := failures(t, func(tb testing.TB) {
			bgtransformtest.KillEverywhere(tb, five(), outside(bump("plays = 1", "plays = 0")))
		})
		wantReport(t, report, "tracks id=1: changed 4 times, want 2 times")
	})
	t.Run("the same work inside is safe", func(t *testing.T) {
		t.Parallel()
		bgtransformtest.KillEverywhere(t, five(), inside(bump("plays = plays + 1")))
	})
	t.Run("a transform that fails anyhow", func(t *testing.T) {
		t.Parallel()
		report := failures(t, func(tb testing.TB) {
			bgtransformtest.KillEverywhere(tb, five(), bgtransform.SQL[Track]{Name: "never", Pending: "1 = 1", Set: "plays = 1"})
		})
		wantReport(t, report, "undisturbed: ", "still_pending")
	})
	t.Run("a result left to chance, unless it is left out", func(t *testing.T) {
		t.Parallel()
		chance := goodRows()
		chance.Writes = []string{"length_ms", "title"}
		chance.Each = func(ctx context.Context, m *Track) error {
			m.Title = rand.Text()
			return toMS(ctx, m)
		}
		report := failures(t, func(tb testing.TB) { bgtransformtest.KillEverywhere(tb, five(), chance) })
		wantReport(t, report, "tracks id=1: title is '")
		bgtransformtest.KillEverywhere(t, five(), chance, bgtransformtest.WithoutColumns("tracks.title"))
	})
}

func TestIdempotentReports(t *testing.T) {
	t.Parallel()
	t.Run("rows that change again", func(t *testing.T) {
		t.Parallel()
		report := failures(t, func(tb testing.TB) {
			bgtransformtest.Idempotent(tb, twenty(), inside(bump("plays = plays + 1")))
		})
		wantReport(t, report, `transform "custom" is not idempotent`, "tracks id=1: plays is 2, want 1", "and 10 more")
	})
	t.Run("rows that are pending again", func(t *testing.T) {
		t.Parallel()
		// What is pending depends on which run it is.
		again := bgtransform.SQL[Track]{
			Name: "again", Set: "plays = plays + 1",
			Pending: "plays < (SELECT run_no FROM bgtransform_ranges WHERE name = 'again')",
		}
		report := failures(t, func(tb testing.TB) { bgtransformtest.Idempotent(tb, twenty(), again) })
		wantReport(t, report, `transform "again" is not idempotent`, "found 20 rows pending")
	})
}

func TestConcurrentWriterReports(t *testing.T) {
	t.Parallel()
	report := failures(t, func(tb testing.TB) { bgtransformtest.ConcurrentWriter(tb, five(), unguarded(), dualWrite) })
	wantReport(t, report, "between the reading and the writing of batch 1 of 4", "an update was lost",
		"tracks id=1: length_ms is 100000, want 999999")
}

// unguarded writes what it has read without a look at what is there now.
func unguarded() custom {
	return custom{func(ctx context.Context, db *bun.DB, from, to int64) (bgtransform.Step, error) {
		var tracks []Track
		err := db.NewSelect().Model(&tracks).Where("id > ? AND id <= ? AND length_ms IS NULL", from, to).Scan(ctx)
		return bgtransform.Step{Apply: func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			for _, m := range tracks {
				if _, err := tx.ExecContext(ctx, "UPDATE tracks SET length_ms = ? WHERE id = ?", m.Length*1000, m.ID); err != nil {
					return bgtransform.Applied{}, err
				}
			}
			return bgtransform.Applied{Found: len(tracks), Changed: len(tracks)}, nil
		}}, err
	}}
}

func TestNothingToDoIsReported(t *testing.T) {
	t.Parallel()
	done := int64(1)
	fixture := bgtransformtest.Rows(Track{ID: 1, LengthMS: &done})
	for name, helper := range map[string]func(tb testing.TB){
		"KillEverywhere": func(tb testing.TB) { bgtransformtest.KillEverywhere(tb, fixture, goodRows()) },
		"Idempotent":     func(tb testing.TB) { bgtransformtest.Idempotent(tb, fixture, goodRows()) },
		"ConcurrentWriter": func(tb testing.TB) {
			bgtransformtest.ConcurrentWriter(tb, fixture, goodRows(), dualWrite)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReport(t, failures(t, helper), "found nothing to do")
		})
	}
}
