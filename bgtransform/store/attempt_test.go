package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

func TestClaimRaisesTheAttempt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for want := int64(1); want <= 3; want++ {
			a, rec := f.claim("host")
			if a.Number != want || rec.Range.Attempt != want || a.Name != "x" {
				t.Errorf("claim %d is attempt %d of %q, the record says %d", want, a.Number, a.Name, rec.Range.Attempt)
			}
			if rec.Range.Holder != "host" || rec.Range.HeartbeatMS == 0 || rec.Range.HeartbeatMS > rec.NowMS {
				t.Errorf("after a claim the holder is %q, its heartbeat %d of %d", rec.Range.Holder, rec.Range.HeartbeatMS, rec.NowMS)
			}
		}
		if _, _, err := f.store.Claim(t.Context(), "nobody", "host"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Claim of an unknown transform = %v, want ErrNotFound", err)
		}
	})
}

func TestClaimsSideBySideGetNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		const claims = 12
		numbers := make([]int64, claims)
		errs := make([]error, claims)
		var wg sync.WaitGroup
		for i := range claims {
			wg.Go(func() {
				var a store.Attempt
				a, _, errs[i] = f.store.Claim(t.Context(), "x", "host")
				numbers[i] = a.Number
			})
		}
		wg.Wait()
		f.must(errors.Join(errs...))
		seen := map[int64]bool{}
		for _, n := range numbers {
			if seen[n] || n < 1 || n > claims {
				t.Fatalf("attempts %v: %d is given twice or out of order", numbers, n)
			}
			seen[n] = true
		}
	})
}

// At most one attempt commits (I1): an older one is refused and leaves no trace.
func TestOlderAttemptIsFenced(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		older, rec := f.claim("older")
		f.must(older.Tx(t.Context(), &rec.Range, writeApp))
		newer, rec2 := f.claim("newer")
		before := f.record()

		rec.Range.Cursor, rec.Range.Changed = `["i99"]`, 99
		called := false
		err := older.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			called = true
			return writeApp(ctx, tx)
		})
		if !errors.Is(err, store.ErrFenced) || called {
			t.Errorf("Tx of the older attempt = %v (ran: %t), want ErrFenced before anything else", err, called)
		}
		if err := older.Tx(t.Context(), &rec.Range, nil); !errors.Is(err, store.ErrFenced) {
			t.Errorf("checkpoint of the older attempt = %v, want ErrFenced", err)
		}
		if diff := cmp.Diff(before, f.record(), cmpopts.IgnoreFields(store.Record{}, "NowMS", "At")); diff != "" {
			t.Errorf("the older attempt left a trace (-before +after):\n%s", diff)
		}
		if got := f.appRows(); got != 1 {
			t.Errorf("the app's table has %d rows, want 1", got)
		}
		f.must(newer.Tx(t.Context(), &rec2.Range, writeApp))
		f.must(newer.Tx(t.Context(), &rec2.Range, writeApp))
		if got := f.appRows(); got != 3 {
			t.Errorf("the app's table has %d rows after two batches of the newer attempt, want 3", got)
		}
	})
}

// While a batch is being written no newer attempt can begin: whoever claims
// waits for the commit and then finds the checkpoint.
func TestClaimWaitsForTheBatchUnderWay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("older")
		rec.Range.Cursor = `["i5"]`
		claimed := make(chan store.Record, 1)
		err := a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			go func() { // ends with the claim
				_, rec, err := f.store.Claim(t.Context(), "x", "newer")
				if err != nil {
					t.Error(err)
				}
				claimed <- rec
			}()
			select {
			case <-claimed:
				t.Error("a newer attempt began inside a batch")
			default:
			}
			return writeApp(ctx, tx)
		})
		f.must(err)
		if got := <-claimed; got.Range.Cursor != `["i5"]` {
			t.Errorf("the newer attempt begins at %q, want the committed cursor", got.Range.Cursor)
		}
	})
}

// Rows and checkpoint commit together or not at all (I2).
func TestCheckpointRollsBackWithTheBatch(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("a")
		before := f.record()
		rec.Range.Cursor, rec.Range.Changed, rec.Range.Batches = `["i1"]`, 10, 1
		broken := errors.New("the batch failed")
		err := a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			if err := errors.Join(writeApp(ctx, tx), a.Counts(ctx, tx, &rec.Range), setAside(ctx, tx, a, store.Quarantined{Key: `["i1"]`})); err != nil {
				t.Error(err)
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Tx = %v, want the batch's own error", err)
		}
		if diff := cmp.Diff(before, f.record(), cmpopts.IgnoreFields(store.Record{}, "NowMS", "At")); diff != "" {
			t.Errorf("a rolled-back batch left a trace (-before +after):\n%s", diff)
		}
		if n := f.appRows() + len(f.quarantined()); n != 0 {
			t.Errorf("a rolled-back batch left %d rows", n)
		}
	})
}

func TestCheckpointKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("host")
		want := store.Range{
			Name: "x", Attempt: 1, Holder: "host", Run: 2, Restarts: 3, Retries: 4, Link: "00-abc", Pass: 5, Began: store.BeganDue, Cursor: `["sit's","b/w=="]`, AtEnd: true,
			Batches: 6, KeysInPass: 7, FoundInPass: 8, Keys: 9, Changed: 10, Moved: 11, Remaining: 12, RowsPerSec: 13.25, BusyMS: 14,
			RatedSecs: 15.5, ReadRate: 16.5, PassKeys: 17, Share: 0.5, MeasuredMS: 18, WindowText: "0 22 * * * for 8h in UTC", LimitedCode: "throttle", LimitedBy: "duty",
		}
		checkpoint := want
		checkpoint.Attempt, checkpoint.Holder = 99, "someone else" // of no effect: only Claim writes them
		f.must(a.Tx(t.Context(), &checkpoint, func(ctx context.Context, tx bun.Tx) error {
			checkpoint.Changed = 20
			return a.Counts(ctx, tx, &checkpoint)
		}))
		want.Changed = 20
		got := f.record()
		if diff := cmp.Diff(want, got.Range, cmpopts.IgnoreFields(store.Range{}, "HeartbeatMS", "Beats")); diff != "" {
			t.Errorf("checkpoint (-want +got):\n%s", diff)
		}
		if got.Range.HeartbeatMS < rec.Range.HeartbeatMS || got.Range.HeartbeatMS == 0 {
			t.Errorf("heartbeat went from %d to %d", rec.Range.HeartbeatMS, got.Range.HeartbeatMS)
		}
	})
}

func TestStateIsWrittenAndTheHolderLeaves(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("host")
		want := store.Transform{
			Name: "x", State: "waiting", ReasonCode: "window", Reason: "opens it's time", ReasonUntilMS: 1, LastError: "e", LastErrorMS: 2,
			StartedMS: 3, CompletedMS: 4,
		}
		f.must(a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(a.SetState(ctx, tx, &want), a.Leave(ctx, tx))
		}))
		got := f.record()
		if diff := cmp.Diff(want, got.Transform, cmpopts.IgnoreFields(store.Transform{}, "CreatedMS", "UpdatedMS")); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		if got.Range.HeartbeatMS != 0 || got.Transform.CreatedMS == 0 || got.Transform.UpdatedMS == 0 {
			t.Errorf("heartbeat %d (want 0), created %d, updated %d", got.Range.HeartbeatMS, got.Transform.CreatedMS, got.Transform.UpdatedMS)
		}
	})
}

func TestTxEndsWithItsContext(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("host")
		ctx, cancel := context.WithCancel(t.Context())
		rec.Range.Cursor = "gone"
		err := a.Tx(ctx, &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			defer cancel()
			return writeApp(ctx, tx)
		})
		if err == nil || errors.Is(err, store.ErrFenced) {
			t.Errorf("Tx in a cancelled context = %v, want an error that is not ErrFenced", err)
		}
		if got := f.record().Range.Cursor; got != "" || f.appRows() != 0 {
			t.Errorf("a cancelled batch left the cursor %q and %d rows", got, f.appRows())
		}
	})
}
