package store_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// The registry goes by the server's clock, on every database.
func TestFleetConforms(t *testing.T) {
	t.Parallel()
	for kind, make := range databases() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fleettest.Run(t, fleettest.Options{New: func(t *testing.T) (fleet.Registry, fleet.Registry) {
				open := make(t)
				first, second := open(t), open(t)
				if err := store.Create(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				return newFleet(t, first), newFleet(t, second)
			}})
		})
	}
}

func newFleet(t *testing.T, db *bun.DB) *store.Fleet {
	t.Helper()
	f, err := store.NewFleet(db)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// To announce oneself again and to look are one statement each, in which no client's
// clock has a part.
func TestFleetCostsOneStatementEach(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, open database) {
		said := &recorder{}
		db := open(t).WithQueryHook(said)
		f := newFleet(t, db)
		m := fleet.Member{Instance: "web-1", Term: "a", Version: "1.4", Stages: map[string]fleet.Stage{"x": fleet.Old}}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(store.Create(t.Context(), db))
		must(f.Announce(t.Context(), m, time.Hour))
		said.queries = nil
		must(f.Announce(t.Context(), m, time.Minute))
		_, err := f.Members(t.Context())
		must(err)
		must(f.Leave(t.Context(), m))
		if len(said.queries) != 3 {
			t.Errorf("%d statements, want 3: %q", len(said.queries), said.queries)
		}
		clock := regexp.MustCompile(`\b1[0-9]{12}\b|\b20[0-9]{2}-[0-9]{2}`) // this year in any form
		for _, q := range said.queries {
			if found := clock.FindString(q); found != "" {
				t.Errorf("the client's clock (%s) is in %s", found, q)
			}
		}
	})
}

// A pool whose instances come and go without end does not fill the table.
func TestFleetForgets(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		r := f.store.Fleet()
		for i := range 110 {
			m := fleet.Member{Instance: "crash", Term: fmt.Sprint("t", i), Version: "1.4"}
			f.must(r.Announce(t.Context(), m, time.Hour))
			f.must(r.Leave(t.Context(), m))
		}
		exec := func(q string) {
			if _, err := f.db.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		exec(fmt.Sprintf("UPDATE bgtransform_members SET expires_ms = expires_ms - %d WHERE term = 't109'", (fleet.Retention + time.Second).Milliseconds()))
		f.must(r.Announce(t.Context(), fleet.Member{Instance: "web-1", Term: "live", Version: "1.5"}, time.Hour))
		var left int
		f.must(f.db.QueryRowContext(t.Context(), "SELECT count(*) FROM bgtransform_members").Scan(&left))
		if left != 101 {
			t.Errorf("%d members are kept, want 100 of the one kind and 1 of the other", left)
		}
		if all, err := r.Members(t.Context()); err != nil || len(all) != 101 {
			t.Errorf("%d members are seen (%v), want 101", len(all), err)
		}
	})
}
