package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// checkpoints counts statements that write one: where it was, and wherever it is.
type checkpoints struct {
	mu               sync.Mutex
	near, everywhere int
}

func (c *checkpoints) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (c *checkpoints) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !strings.Contains(e.Query, `UPDATE "bgtransform_ranges"`) || !strings.Contains(e.Query, "beats + 1"):
	case strings.Contains(e.Query, " AND ctid = "):
		c.near++
	default:
		c.everywhere++
	}
}

func (c *checkpoints) take() (near, everywhere int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	near, everywhere = c.near, c.everywhere
	c.near, c.everywhere = 0, 0
	return near, everywhere
}

// byPlace returns an attempt whose next checkpoint is looked for where it is.
func byPlace(t *testing.T) (*fixture, store.Attempt, *store.Range, *checkpoints) {
	t.Helper()
	c := &checkpoints{}
	f := newFixtureOn(t, databases()["pg"](t)(t).WithQueryHook(c))
	a, rec := f.claim("host")
	a.FindByPlace()
	r := rec.Range
	f.must(a.Tx(t.Context(), &r, nil)) // which has to ask where it is
	c.take()
	return f, a, &r, c
}

func wantCounts(t *testing.T, c *checkpoints, near, everywhere int) {
	t.Helper()
	if n, e := c.take(); n != near || e != everywhere {
		t.Errorf("%d checkpoints were looked for where they were and %d everywhere, want %d and %d", n, e, near, everywhere)
	}
}

// While a snapshot keeps all versions of the row, the newest is found at once.
func TestCheckpointIsFoundWhereItWas(t *testing.T) {
	t.Parallel()
	f, a, r, c := byPlace(t)
	for i := range int64(200) {
		r.Batches, r.Cursor = i+1, strings.Repeat("k", int(i))
		f.must(a.BatchTx(t.Context(), r, nil))
	}
	wantCounts(t, c, 200, 0)
	got := f.record().Range
	if got.Batches != 200 || got.Beats != r.Beats || got.Cursor != r.Cursor {
		t.Errorf("the record has batch %d, beats %d and a cursor of %d bytes", got.Batches, got.Beats, len(got.Cursor))
	}
}

// Counts that are corrected in the same transaction move the row once more.
func TestCheckpointIsFoundBehindItsCounts(t *testing.T) {
	t.Parallel()
	f, a, r, c := byPlace(t)
	for range 50 {
		r.Changed++
		f.must(a.BatchTx(t.Context(), r, func(ctx context.Context, tx bun.Tx) error { return a.Counts(ctx, tx, r) }))
	}
	wantCounts(t, c, 50, 0)
}

// Over a slow network it takes long to find any row, and longer with one more trip.
func TestCheckpointOverASlowNetwork(t *testing.T) {
	t.Parallel()
	f, a, r, c := byPlace(t)
	a.WorthTrips(1_000_000)
	for range 10 {
		f.must(a.BatchTx(t.Context(), r, nil))
	}
	wantCounts(t, c, 1, 9)
}

// Now and then it is looked for everywhere, to see whether that takes long still.
func TestCheckpointIsLookedForEverywhereAgain(t *testing.T) {
	t.Parallel()
	f, a, r, c := byPlace(t)
	for range 2100 {
		f.must(a.BatchTx(t.Context(), r, nil))
	}
	wantCounts(t, c, 2098, 2)
}

// Wherever the row has gone, the checkpoint is written once, and so is nothing else.
func TestCheckpointThatHasMoved(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(f *fixture, a *store.Attempt, r *store.Range){
		"the table was written anew": func(f *fixture, _ *store.Attempt, _ *store.Range) {
			_, err := f.db.ExecContext(f.Context(), "VACUUM FULL bgtransform_ranges")
			f.must(err)
		},
		"its transaction wrote it again": func(f *fixture, a *store.Attempt, r *store.Range) {
			f.must(a.Tx(f.Context(), r, func(ctx context.Context, tx bun.Tx) error { return a.Counts(ctx, tx, r) }))
		},
		"somebody else has written it": func(f *fixture, _ *store.Attempt, _ *store.Range) {
			_, err := f.db.ExecContext(f.Context(), "UPDATE bgtransform_ranges SET stuck_ms = stuck_ms")
			f.must(err)
		},
		"another row is there": func(f *fixture, a *store.Attempt, _ *store.Range) {
			var ctid string
			f.must(f.db.QueryRowContext(f.Context(), `INSERT INTO bgtransform_ranges SELECT (jsonb_populate_record(r, '{"name":"y"}')).* FROM bgtransform_ranges AS r RETURNING CAST(ctid AS text)`).Scan(&ctid))
			a.LookAt(ctid)
		},
		"a rollback": func(f *fixture, a *store.Attempt, r *store.Range) {
			back := errors.New("back")
			lost := *r
			if err := a.Tx(f.Context(), &lost, func(context.Context, bun.Tx) error { return back }); !errors.Is(err, back) {
				f.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, a, r, _ := byPlace(t)
			move(f, &a, r)
			for n := range int64(3) {
				r.Batches = n + 1
				f.must(a.BatchTx(t.Context(), r, nil))
			}
			got := f.record().Range
			if diff := cmp.Diff([]int64{3, r.Beats}, []int64{got.Batches, got.Beats}); diff != "" {
				t.Errorf("batches and beats (-want +got):\n%s", diff)
			}
			others, err := f.db.NewSelect().Table("bgtransform_ranges").Where("batches > 0").Count(t.Context())
			f.must(err)
			if others != 1 {
				t.Errorf("%d rows have a batch, want 1", others)
			}
		})
	}
}

// The fence and the order of checkpoints hold wherever the row is looked for (I1).
func TestI1FenceWhereTheCheckpointWas(t *testing.T) {
	t.Parallel()
	f, a, r, _ := byPlace(t)
	late := *r
	f.must(a.Tx(t.Context(), r, nil))
	if err := a.Tx(t.Context(), &late, nil); !errors.Is(err, store.ErrUnsettled) {
		t.Errorf("a checkpoint that follows an older one: %v, want ErrUnsettled", err)
	}
	f.claim("other")
	if err := a.Tx(t.Context(), r, nil); !errors.Is(err, store.ErrFenced) {
		t.Errorf("after another claim: %v, want ErrFenced", err)
	}
}

// untilSomebodyWaits returns once a session waits for a lock.
func (f *fixture) untilSomebodyWaits() {
	f.Helper()
	for {
		n, err := f.db.NewSelect().Table("pg_stat_activity").Where("datname = current_database() AND wait_event_type = 'Lock'").Count(f.Context())
		f.must(err)
		if n > 0 {
			return
		}
		again := time.NewTimer(5 * time.Millisecond)
		<-again.C
	}
}

// One that waits for the row until another attempt has taken it is refused.
func TestI1FenceWhileItWaitsForTheRow(t *testing.T) {
	t.Parallel()
	f, a, r, c := byPlace(t)
	tx, err := f.db.BeginTx(t.Context(), nil)
	f.must(err)
	_, err = tx.ExecContext(t.Context(), "UPDATE bgtransform_ranges SET attempt = attempt + 1 WHERE name = 'x'")
	f.must(err)
	ended := make(chan error, 1)
	go func() { ended <- a.Tx(context.WithoutCancel(t.Context()), r, nil) }() // ends below
	f.untilSomebodyWaits()
	f.must(tx.Commit())
	if err := <-ended; !errors.Is(err, store.ErrFenced) {
		t.Errorf("after it has waited for another attempt: %v, want ErrFenced", err)
	}
	if near, _ := c.take(); near != 1 {
		t.Errorf("%d checkpoints were looked for where they were, want 1", near)
	}
}
