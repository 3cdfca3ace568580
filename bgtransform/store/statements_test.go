package store_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

var update = flag.Bool("update", false, "rewrite the golden list of statements")

// sqliteOnly is what PostgreSQL or MySQL do not understand. What bun itself
// spells per dialect (ON CONFLICT, RETURNING, column types) is not ours.
var sqliteOnly = regexp.MustCompile(`(?i)\b(unixepoch|strftime|datetime|julianday|ifnull|iif|rowid|last_insert_rowid|changes|typeof|printf|pragma\w*|` +
	`json_extract|glob|collate|autoincrement|sqlite\w*|nulls (first|last)|is not distinct|is distinct)\b|\blimit \d+,| IS \?|=\s*=|"[a-z_]+"\s+IS\s+'`)

// recorder collects the statements that go through bun.
type recorder struct {
	mu      sync.Mutex
	queries []string
}

func (r *recorder) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *recorder) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queries = append(r.queries, e.Query)
}

// Every statement of the store is known, and differs between databases only
// in what bun or the dialect spell.
func TestStatementsAssumeNoDatabase(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	f := newFixtureOn(t, connect(t, file(t)).WithQueryHook(rec))
	d, err := dialect.For(f.db)
	f.must(err)
	f.must(everything(t.Context(), f.db))

	hash := regexp.MustCompile(`[0-9a-f]{64}`)
	var got []string
	for _, q := range rec.queries {
		q = hash.ReplaceAllString(strings.ReplaceAll(q, d.Now, "<now>"), "<hash>")
		if strings.Contains(q, "pragma_table_xinfo") || strings.HasPrefix(q, "CREATE TABLE app") {
			continue // how the dialect looks at tables, and the test's own
		}
		if !slices.Contains(got, q) {
			got = append(got, q)
		}
		if bad := sqliteOnly.FindString(q); bad != "" && !strings.HasPrefix(q, "CREATE TABLE") {
			t.Errorf("only SQLite understands %q in %s", bad, q)
		}
	}
	golden := filepath.Join("testdata", "statements.golden")
	text := strings.Join(got, "\n") + "\n"
	if *update {
		f.must(os.MkdirAll("testdata", 0o755))
		f.must(os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	f.must(err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("the statements changed; look at each, then run with -update (-want +got):\n%s", diff)
	}
}

// everything calls every method that runs a statement.
func everything(ctx context.Context, db *bun.DB) error {
	s, err := store.New(db)
	if err != nil {
		return err
	}
	l, err := store.NewLease(db)
	if err != nil {
		return err
	}
	errs := []error{s.Create(ctx), s.Register(ctx, []string{"new"})}
	a, rec, err := s.Claim(ctx, "x", "host")
	errs = append(errs, err, a.Tx(ctx, &rec.Range, func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(
			a.Journal(ctx, tx, rec.Range, []store.JournalEntry{{Key: "k", Before: "b", After: "a"}}),
			a.Counts(ctx, tx, &rec.Range),
			a.Settle(ctx, tx, 1, 1, map[string][]int64{store.Changed: {1}}), a.Reopen(ctx, tx),
			a.SetState(ctx, tx, &store.Transform{State: "waiting"}),
			setAside(ctx, tx, a, store.Quarantined{Key: "k"}),
			setAside(ctx, tx, a, store.Quarantined{Key: "k"}),
			a.BeginVerification(ctx, tx, &store.Verification{Share: 1}), a.BeginVerification(ctx, tx, &store.Verification{Share: 0.5}),
			a.AddMismatches(ctx, tx, []store.Mismatch{{Key: "k", Class: "c"}, {Key: "l", Class: "c"}}),
			a.SetVerification(ctx, tx, &store.Verification{State: store.VerifyRunning, Checked: 1}),
			a.SetVerification(ctx, tx, &store.Verification{State: store.VerifyDone, Checked: 2}),
			a.EndVerification(ctx, tx, store.VerifyStopped, "why"),
			a.Discharge(ctx, tx, []string{"k", "other"}), a.DischargeAll(ctx, tx),
			store.AddProcessed(ctx, tx, "x", []string{"k"}),
			store.RemoveProcessed(ctx, tx, "x", []string{"k"}), store.SetMark(ctx, tx, "x", 1), store.SetMark(ctx, tx, "x", 2),
			a.Redefined(ctx, tx, "host"), a.Leave(ctx, tx),
		)
	}))
	for _, c := range []store.Change{
		{Action: "pause", ByWhom: "ann", Why: "why", Desired: store.Paused},
		{Action: "restart", Desired: store.Run, Restart: true},
		{Action: "retry", Retry: true},
		{Action: "accept", Accept: true},
		{Action: "revert", Restart: true, Mode: store.ModeRevert},
		{Action: "verify", Verify: &store.Verify{Begin: true, Share: 0.5, Mend: true}},
	} {
		errs = append(errs, s.Act(ctx, "x", c, allow))
	}
	errs = append(errs, s.Contract(ctx, []string{"x", "other"}, "host"))
	for range 2 {
		errs = append(errs, s.Fleet().Announce(ctx, fleet.Member{Instance: "host", Term: "t"}, time.Minute))
	}
	_, err = s.Fleet().Members(ctx)
	errs = append(errs, err, s.Fleet().Leave(ctx, fleet.Member{Term: "t"}))
	_, err = s.Pooled(ctx)
	errs = append(errs, err)
	errs = append(errs, s.Tune(ctx, "x", store.Action{Action: "tune", ByWhom: "ann", Why: "why"}, tuned))
	_, err = store.ProcessedKeys(ctx, db, "x", []string{"k"})
	errs = append(errs, err)
	_, _, err = store.LastMark(ctx, db, "x")
	errs = append(errs, err)
	_, err = s.ForgetProcessed(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.Entries(ctx, "x", 0, 5)
	errs = append(errs, err)
	_, err = s.Entries(ctx, "x", 7, 5)
	errs = append(errs, err)
	_, err = s.LeftCounts(ctx, "x")
	errs = append(errs, err)
	_, err = s.LeftKeys(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.Journal(ctx, "x", 5, store.Changed)
	errs = append(errs, err)
	_, err = s.Drop(ctx, "x", allow)
	errs = append(errs, err)
	_, err = s.Load(ctx)
	errs = append(errs, err)
	_, err = s.Intent(ctx, "x")
	errs = append(errs, err)
	_, err = s.Actions(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.Quarantined(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.Quarantined(ctx, "x", 5, store.Held, store.Accepted)
	errs = append(errs, err)
	_, err = s.Verifications(ctx)
	errs = append(errs, err)
	_, err = s.Verifications(ctx, "x", "y")
	errs = append(errs, err)
	_, err = s.Mismatches(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.AskFinish(ctx, "x", "host/finish", "ann", "why", time.Minute)
	errs = append(errs, err, s.EndFinish(ctx, "x", "host/finish"), s.AddReads(ctx, "host", "x", store.ReadCounts{Fallbacks: 1}), s.ForgetReads(ctx, "x"))
	_, err = s.ReadHours(ctx, "x")
	errs = append(errs, err)
	_, err = s.ReadInstances(ctx, "x", 5)
	errs = append(errs, err)
	_, err = s.Now(ctx)
	c := lease.Claim{Name: "n", Holder: "h", Term: "t", TTL: time.Minute}
	return errors.Join(append(errs, err, l.Acquire(ctx, c), l.Renew(ctx, c), l.Release(ctx, c))...)
}
