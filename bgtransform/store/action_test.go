package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestActChangesTheIntentAndIsLogged(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for _, c := range []store.Change{
			{Action: "pause", ByWhom: "ann", Why: "it's peak", Desired: store.Paused},
			{Action: "resume", ByWhom: "bob", Desired: store.Run},
			{Action: "restart", ByWhom: "ann", Why: "again", Desired: store.Run, Restart: true},
			{Action: "retry", ByWhom: "bob", Retry: true},
		} {
			f.must(f.store.Act(t.Context(), "x", c, allow))
		}
		want := store.Intent{Name: "x", Desired: store.Run, Revision: 4, Restarts: 1, Retries: 1, ByWhom: "bob"}
		got, err := f.store.Intent(t.Context(), "x")
		f.must(err)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Intent{}, "SinceMS")); diff != "" {
			t.Errorf("intent (-want +got):\n%s", diff)
		}
		log, err := f.store.Actions(t.Context(), "x", 3)
		f.must(err)
		wantLog := []store.Action{
			{Name: "x", Action: "retry", ByWhom: "bob"},
			{Name: "x", Action: "restart", ByWhom: "ann", Why: "again"},
			{Name: "x", Action: "resume", ByWhom: "bob"},
		}
		if diff := cmp.Diff(wantLog, log, cmpopts.IgnoreFields(store.Action{}, "ID", "AtMS")); diff != "" {
			t.Errorf("the three newest actions (-want +got):\n%s", diff)
		}
		if log[0].AtMS == 0 || log[0].AtMS < log[2].AtMS {
			t.Errorf("actions at %d and, before it, %d", log[0].AtMS, log[2].AtMS)
		}
	})
}

// TestActKeepsWordsToTheByte logs words with whatever some session might take for
// more than text.
func TestActKeepsWordsToTheByte(t *testing.T) {
	t.Parallel()
	onEach(t, actKeepsWords)
	t.Run("pg, backslashes escape", func(t *testing.T) {
		t.Parallel()
		dsn := testserver.SharedPostgres(t).Database(t) + "&standard_conforming_strings=off"
		actKeepsWords(t, newFixtureOn(t, bun.NewDB(pool(t, "pgx", dsn), pgdialect.New())))
	})
}

func actKeepsWords(t *testing.T, f *fixture) {
	t.Helper()
	for _, words := range []string{`\', since_ms = 0 WHERE true; --`, `o'brien`, `c:\new`, `ends with \`, `? ?0 "\\"`} {
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "pause", ByWhom: words, Why: words, Desired: store.Paused}, allow))
		in, err := f.store.Intent(t.Context(), "x")
		f.must(err)
		log, err := f.store.Actions(t.Context(), "x", 1)
		f.must(err)
		if in.ByWhom != words || in.Why != words || log[0].ByWhom != words || log[0].Why != words {
			t.Errorf("%q is kept as %q, %q, and in the log as %q, %q", words, in.ByWhom, in.Why, log[0].ByWhom, log[0].Why)
		}
		for _, code := range []string{"first", "changed"} {
			f.must(f.store.Sign(t.Context(), store.Sign{Name: "x", Instance: "i", ReasonCode: code, Reason: words}))
			signs, err := f.store.Signs(t.Context())
			f.must(err)
			if len(signs) != 1 || signs[0].Reason != words || signs[0].ReasonCode != code {
				t.Errorf("%q is kept as %+v", words, signs)
			}
		}
	}
}

func TestRefusedActionLeavesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.quarantine(store.Quarantined{Key: `["i1"]`})
		before := f.record()
		refusal := errors.New("not allowed")
		var seen store.Record
		err := f.store.Act(t.Context(), "x", store.Change{Action: "cancel", Desired: store.Cancelled, Restart: true, Retry: true, Accept: true},
			func(r store.Record) error { seen = r; return refusal })
		if !errors.Is(err, refusal) {
			t.Errorf("Act = %v, want the refusal", err)
		}
		ignoreNow := cmpopts.IgnoreFields(store.Record{}, "NowMS", "At")
		if diff := cmp.Diff(before, seen, ignoreNow); diff != "" {
			t.Errorf("check was given another record (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, f.record(), ignoreNow); diff != "" {
			t.Errorf("a refused action left a trace (-before +after):\n%s", diff)
		}
		if log, err := f.store.Actions(t.Context(), "x", 10); err != nil || len(log) != 0 {
			t.Errorf("the log has %v, %v; want nothing", log, err)
		}
	})
}

func TestActOnAnUnknownTransform(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		err := f.store.Act(t.Context(), "nobody", store.Change{Action: "pause", Desired: store.Paused}, allow)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Act = %v, want ErrNotFound", err)
		}
		if log, err := f.store.Actions(t.Context(), "nobody", 10); err != nil || len(log) != 0 {
			t.Errorf("the log has %v, %v; want nothing", log, err)
		}
	})
}

func TestRetryAndAcceptMoveTheQuarantine(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.quarantine(store.Quarantined{Key: `["i1"]`}, store.Quarantined{Key: `["i2"]`})
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "retry", Retry: true}, allow))
		if got := f.quarantined(store.Retrying); len(got) != 2 {
			t.Errorf("after a retry %d rows are retrying, want 2", len(got))
		}
		if got := f.record(); got.Held != 2 {
			t.Errorf("rows that are being retried no longer block completion: %d held, want 2", got.Held)
		}
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "accept", ByWhom: "ann", Accept: true}, allow))
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "retry", Retry: true}, allow))
		for key, row := range f.quarantined() {
			if row.Standing != store.Accepted || row.ByWhom != "ann" {
				t.Errorf("%s is %s by %q, want accepted by ann: a retry leaves what was accepted", key, row.Standing, row.ByWhom)
			}
		}
		if got := f.record(); got.Held != 0 || got.Accepted != 2 {
			t.Errorf("%d held and %d accepted, want 0 and 2", got.Held, got.Accepted)
		}
	})
}
