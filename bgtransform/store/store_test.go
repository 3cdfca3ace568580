package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

func TestCreateMayBeCalledAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.claim("a")
		f.must(store.Create(t.Context(), f.db))
		f.must(f.store.Create(t.Context()))
		if got := f.record().Range.Attempt; got != 1 {
			t.Errorf("after Create on existing tables the attempt is %d, want 1", got)
		}
	})
}

func TestCreateInATransactionOfTheAppsMigrations(t *testing.T) {
	t.Parallel()
	db := connect(t, file(t))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := newStore(t, db).Load(t.Context()); err == nil {
		t.Error("the tables are there after a rollback")
	}
}

func TestInstancesThatStartTogetherCreateAndRegister(t *testing.T) {
	t.Parallel()
	dsn := file(t)
	names := []string{"a", "b", "c"}
	const instances = 6
	errs := make([]error, instances)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range instances {
		s := newStore(t, connect(t, dsn))
		wg.Go(func() {
			<-start
			errs[i] = errors.Join(s.Create(t.Context()), s.Register(t.Context(), names))
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	recs, err := newStore(t, connect(t, dsn)).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(recs))
	for i, r := range recs {
		got[i] = r.Transform.Name
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
}

func TestRegisterMakesAPendingTransform(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		want := store.Record{
			Transform: store.Transform{Name: "x", State: "pending"},
			Intent:    store.Intent{Name: "x", Desired: store.Run},
			Range:     store.Range{Name: "x", Run: 1, Pass: 1, Remaining: -1},
		}
		got := f.record()
		if diff := cmp.Diff(want, got, ignoreTimes()...); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if got.NowMS == 0 || got.Transform.CreatedMS == 0 || got.Intent.SinceMS == 0 || got.Transform.CreatedMS > got.NowMS {
			t.Errorf("created at %d, intent since %d, read at %d", got.Transform.CreatedMS, got.Intent.SinceMS, got.NowMS)
		}
	})
}

// An instance that starts while a transform runs changes nothing of it.
func TestRegisterAgainChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		a, rec := f.claim("a")
		rec.Range.Cursor, rec.Range.Changed = `["i1"]`, 7
		f.must(a.Tx(t.Context(), &rec.Range, nil))
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "pause", Desired: store.Paused}, allow))
		before := f.record()
		f.must(f.store.Register(t.Context(), []string{"x", "y", "x"}))
		if diff := cmp.Diff(before, f.record(), cmpopts.IgnoreFields(store.Record{}, "NowMS", "At")); diff != "" {
			t.Errorf("Register changed the record (-before +after):\n%s", diff)
		}
	})
}

func TestLoadLeavesOutUnknownNames(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		recs, err := f.store.Load(t.Context(), "nobody", "x", "it's")
		if err != nil || len(recs) != 1 || recs[0].Transform.Name != "x" {
			t.Errorf("Load = %v, %v; want x alone", recs, err)
		}
		recs, err = f.store.Load(t.Context(), "nobody")
		if err != nil || len(recs) != 0 {
			t.Errorf("Load of an unknown name = %v, %v; want none", recs, err)
		}
		if _, err := f.store.Get(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of an unknown name = %v, want ErrNotFound", err)
		}
	})
}

// Without tables there is an error, never "nothing registered" (I5).
func TestLoadWithoutTablesFails(t *testing.T) {
	t.Parallel()
	s := newStore(t, connect(t, file(t)))
	if recs, err := s.Load(t.Context()); err == nil {
		t.Errorf("Load = %v, want an error", recs)
	}
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "no instance of the app has made its tables yet") {
		t.Errorf("Get = %v, want ErrNotFound, and that the tables are missing", err)
	}
}

// A name is text, whatever it holds.
func TestNamesAreNeverTakenForSQL(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"it's", `"q"`, "a?b", "?0", "x'; DROP TABLE app; --", `back\slash`, "ünï ☃"} {
			f.must(f.store.Register(t.Context(), []string{name}))
			a, rec, err := f.store.Claim(t.Context(), name, name)
			if err != nil || rec.Range.Holder != name {
				t.Errorf("Claim(%q) = %+v, %v", name, rec.Range, err)
				continue
			}
			f.must(a.Tx(t.Context(), &rec.Range, nil))
		}
	})
}

func ignoreTimes() []cmp.Option {
	return []cmp.Option{
		cmpopts.IgnoreFields(store.Record{}, "NowMS", "At"),
		cmpopts.IgnoreFields(store.Transform{}, "CreatedMS", "UpdatedMS"),
		cmpopts.IgnoreFields(store.Intent{}, "SinceMS"),
	}
}

func allow(store.Record) error { return nil }
