package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// inTx runs fn in a batch of a new attempt.
func (f *fixture) inTx(fn func(ctx context.Context, tx bun.Tx, a store.Attempt) error) {
	f.Helper()
	a, rec := f.claim("host")
	f.must(a.Tx(f.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, tx, a) }))
}

func (f *fixture) quarantine(rows ...store.Quarantined) {
	f.Helper()
	f.inTx(func(ctx context.Context, tx bun.Tx, a store.Attempt) error { return setAside(ctx, tx, a, rows...) })
}

func (f *fixture) discharge(keys ...string) {
	f.Helper()
	f.inTx(func(ctx context.Context, tx bun.Tx, a store.Attempt) error {
		if len(keys) == 0 {
			return a.DischargeAll(ctx, tx)
		}
		return a.Discharge(ctx, tx, keys)
	})
}

func TestQuarantineCountsTries(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.quarantine(store.Quarantined{Key: `["i1"]`, Class: "error", Message: "first"}, store.Quarantined{Key: `["i2"]`, Class: "panic", Message: "other"})
		first := f.quarantined()[`["i1"]`]
		f.quarantine(store.Quarantined{Key: `["i1"]`, Class: "timeout", Message: "second"})
		f.quarantine(store.Quarantined{Key: `["i1"]`, Class: "timeout", Message: "third"})

		got := f.quarantined()
		want := map[string]store.Quarantined{
			`["i1"]`: {Name: "x", Key: `["i1"]`, Standing: store.Held, Class: "timeout", Message: "third", Tries: 3},
			`["i2"]`: {Name: "x", Key: `["i2"]`, Standing: store.Held, Class: "panic", Message: "other", Tries: 1},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Quarantined{}, "KeyHash", "FirstMS", "LastMS")); diff != "" {
			t.Errorf("quarantine (-want +got):\n%s", diff)
		}
		if one := got[`["i1"]`]; one.FirstMS != first.FirstMS || one.FirstMS == 0 || one.LastMS < one.FirstMS {
			t.Errorf("first at %d (then %d), last at %d", first.FirstMS, one.FirstMS, one.LastMS)
		}
		if rec := f.record(); rec.Held != 2 || rec.Accepted != 0 {
			t.Errorf("the record says %d held and %d accepted, want 2 and 0", rec.Held, rec.Accepted)
		}
	})
}

func TestQuarantineSaysHowManyRowsAreNew(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for _, want := range []int64{2, 1, 0} {
			f.inTx(func(ctx context.Context, tx bun.Tx, a store.Attempt) error {
				added, err := a.Quarantine(ctx, tx, []store.Quarantined{{Key: `["i1"]`}, {Key: fmt.Sprintf(`["i%d"]`, want+1)}})
				if added != want {
					t.Errorf("Quarantine says %d rows are new, want %d", added, want)
				}
				return err
			})
		}
	})
}

// A row that failed again after it was accepted is nobody's decision any more.
func TestQuarantineAgainHoldsAnAcceptedRow(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.quarantine(store.Quarantined{Key: `["i1"]`})
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "accept", ByWhom: "ann", Accept: true}, allow))
		if got := f.quarantined()[`["i1"]`]; got.Standing != store.Accepted || got.ByWhom != "ann" {
			t.Fatalf("after accept the row is %+v", got)
		}
		f.quarantine(store.Quarantined{Key: `["i1"]`})
		if got := f.quarantined()[`["i1"]`]; got.Standing != store.Held || got.ByWhom != "" {
			t.Errorf("after another failure the row is %s, accepted by %q; want held, by nobody", got.Standing, got.ByWhom)
		}
	})
}

// Databases other than SQLite refuse texts that are no UTF-8, and PostgreSQL
// those with a zero byte: what is kept of an error must suit them all.
func TestQuarantineKeepsABoundedValidMessage(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for name, message := range map[string]string{
			"long":                   strings.Repeat("x", 1<<20),
			"cut inside a letter":    "x" + strings.Repeat("é", 1<<10),
			"cut inside a symbol":    "xyz" + strings.Repeat("𝄞", 1<<10),
			"no UTF-8":               "bad \xff byte",
			"a zero byte":            "zero \x00 byte",
			"a quote and a mark":     "it's a ?",
			"no text":                "",
			"exactly at the bound":   strings.Repeat("x", 2000),
			"a class that is long":   "",
			"a class that is no UTF": "",
		} {
			class := map[string]string{"a class that is long": strings.Repeat("T", 1000), "a class that is no UTF": "\xff"}[name]
			a, rec := f.claim("host")
			key := fmt.Sprintf("[%q]", "s"+name)
			err := a.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
				return setAside(ctx, tx, a, store.Quarantined{Key: key, Message: message, Class: class})
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got := f.quarantined()[key]
			if len(got.Message) > 2000 || !utf8.ValidString(got.Message) || strings.ContainsRune(got.Message, 0) {
				t.Errorf("%s: kept %d bytes, valid UTF-8: %t; want at most 2000, valid, without zero bytes", name, len(got.Message), utf8.ValidString(got.Message))
			}
			if len(got.Class) > 200 || !utf8.ValidString(got.Class) {
				t.Errorf("%s: the class has %d bytes, valid UTF-8: %t; its column has room for 200", name, len(got.Class), utf8.ValidString(got.Class))
			}
		}
	})
}

func TestDischarge(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.must(f.store.Register(t.Context(), []string{"y"}))
		long := `["s` + strings.Repeat("long ", 1000) + `"]`
		f.quarantine(store.Quarantined{Key: `["i1"]`}, store.Quarantined{Key: `["i2"]`}, store.Quarantined{Key: `["i3"]`}, store.Quarantined{Key: long})
		y, rec, err := f.store.Claim(t.Context(), "y", "host")
		f.must(err)
		f.must(y.Tx(t.Context(), &rec.Range, func(ctx context.Context, tx bun.Tx) error {
			return setAside(ctx, tx, y, store.Quarantined{Key: `["i1"]`})
		}))

		f.discharge(`["i1"]`, long, "unknown")
		if got, want := slices.Sorted(maps.Keys(f.quarantined())), []string{`["i2"]`, `["i3"]`}; !slices.Equal(got, want) {
			t.Errorf("in quarantine are %v, want %v", got, want)
		}
		f.discharge()
		if got := f.quarantined(); len(got) != 0 {
			t.Errorf("in quarantine are %v, want none", got)
		}
		others, err := f.store.Quarantined(t.Context(), "y", 10)
		if err != nil || len(others) != 1 {
			t.Errorf("the other transform has %d rows in quarantine (%v), want 1", len(others), err)
		}
	})
}

func TestQuarantinedIsBoundedAndFiltered(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		rows := make([]store.Quarantined, 5)
		for i := range rows {
			rows[i].Key = fmt.Sprintf(`["i%d"]`, i)
		}
		f.quarantine(rows...)
		if got, err := f.store.Quarantined(t.Context(), "x", 3); err != nil || len(got) != 3 {
			t.Errorf("Quarantined with a limit of 3 returns %d rows, %v", len(got), err)
		}
		if got := f.quarantined(store.Accepted, store.Retrying); len(got) != 0 {
			t.Errorf("accepted or retrying are %v, want none", got)
		}
		if got := f.quarantined(store.Held); len(got) != 5 {
			t.Errorf("held are %d rows, want 5", len(got))
		}
	})
}
