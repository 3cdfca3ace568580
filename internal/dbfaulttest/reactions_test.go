package dbfaulttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// reaction is one kind of error, made by the server itself, and what the engine is to
// do about it. Errors of a full disk need a server of their own, see [TestI9DiskFull].
type reaction struct {
	provoke map[string]func(f *fault) // by database; called before the run, with the table in place

	class  string                 // of the batches that fail
	reason bgtransform.ReasonCode // told while it lasts
	said   map[string]string      // in the reason's text, by database; "" is for all others

	held    bool   // the reason stays until its cause is ended: the run waits
	shrinks bool   // the batch is tried again with fewer rows
	aside   string // the class under which the one row stands in quarantine, else none does
}

// odd is the row that is to blame, where one is.
const odd = 17

func reactions() map[string]reaction {
	return map[string]reaction{
		"serialization": {
			provoke: map[string]func(*fault){postgres: (*fault).movesOnUnderASnapshot}, // the others have none that batches could meet
			class:   "transient", reason: bgtransform.ReasonBackoff, said: map[string]string{"": "could not serialize"},
		},
		"deadlock": {
			provoke: map[string]func(*fault){postgres: (*fault).deadlocks, mariadb: (*fault).deadlocks},
			class:   "transient", reason: bgtransform.ReasonBackoff, said: map[string]string{"": "deadlock"},
		},
		"lock timeout": {
			provoke: map[string]func(*fault){postgres: (*fault).locksRows, mariadb: (*fault).locksRows, sqlite: (*fault).locksRows},
			class:   "transient", reason: bgtransform.ReasonBackoff, said: map[string]string{postgres: "lock timeout", mariadb: "lock wait timeout", sqlite: "locked"}, held: true,
		},
		"statement timeout": { // SQLite is in the process, and has none
			provoke: map[string]func(*fault){postgres: (*fault).slowRow, mariadb: (*fault).slowRow},
			class:   "timeout", reason: bgtransform.ReasonBackoff, said: map[string]string{postgres: "statement timeout", mariadb: "max_statement_time"},
			shrinks: true, aside: "too slow for the database",
		},
		"connection lost": {
			provoke: map[string]func(*fault){postgres: (*fault).losesConnection, mariadb: (*fault).losesConnection},
			class:   "unavailable", reason: bgtransform.ReasonBackoff,
		},
		"constraint": {
			provoke: map[string]func(*fault){postgres: (*fault).constraint, mariadb: (*fault).constraint, sqlite: (*fault).constraint},
			class:   "row", shrinks: true, aside: "refused by the database",
		},
		"data": {
			provoke: map[string]func(*fault){postgres: (*fault).overflow, mariadb: (*fault).overflow, sqlite: (*fault).overflow},
			class:   "row", shrinks: true, aside: "refused by the database",
		},
		"permission denied": { // SQLite has no rights
			provoke: map[string]func(*fault){postgres: (*fault).denied, mariadb: (*fault).denied},
			class:   "schema", reason: bgtransform.ReasonSchema, said: map[string]string{"": "denied"}, held: true,
		},
		"a column that is gone": {
			provoke: map[string]func(*fault){postgres: (*fault).renamed, mariadb: (*fault).renamed, sqlite: (*fault).renamed},
			class:   "schema", reason: bgtransform.ReasonSchema, held: true,
		},
		"read only": {
			provoke: map[string]func(*fault){postgres: (*fault).readOnly, mariadb: (*fault).readOnly, sqlite: (*fault).readOnly},
			class:   "unavailable", reason: bgtransform.ReasonDatabase, said: map[string]string{sqlite: "readonly", "": "read-only"}, held: true,
		},
	}
}

// fault is one error of one database.
type fault struct {
	t     *testing.T
	p     place
	admin *bun.DB // of the test
	db    *bun.DB // of the engine
	cfg   bgtransform.Config

	strike func() // called between the second batch's read and its write; nil for nothing
	during func() // called while it writes; nil for nothing
	mend   func() // called when the reason has been seen, and ends its cause; nil for nothing
}

// diary is an observer that also keeps the reasons that were told.
type diary struct {
	watcher

	mu   sync.Mutex
	told []bgtransform.Reason
}

func (d *diary) Waiting(_ context.Context, info bgtransform.WaitInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, info.Reason)
}

func (d *diary) has(code bgtransform.ReasonCode, said string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.told, func(r bgtransform.Reason) bool {
		return r.Code == code && strings.Contains(strings.ToLower(r.Text), said)
	})
}

// Each class of errors, from each server that has it, has its reaction: the batch
// again, a smaller one, one row set aside, or to wait until its cause has ended, with
// the reason said; and then the run goes on by itself, and everything is right.
func TestI9ReactionToEachClassOfErrors(t *testing.T) {
	t.Parallel()
	for what, r := range reactions() {
		for kind, provoke := range r.provoke {
			t.Run(what+"/"+kind, func(t *testing.T) {
				t.Parallel()
				p := shared(t, kind)
				if what == "read only" && kind == mariadb {
					p = own(t, kind) // the setting is the server's
				}
				f := &fault{t: t, p: p, cfg: p.onlyLocks(t)}
				f.admin = p.open(t)
				f.db = p.open(t)
				p.seed(t, f.admin, 2*reactionBatch)
				provoke(f)
				r.check(f)
			})
		}
	}
}

// reactionBatch is how many rows a batch has: two do all.
const reactionBatch = 32

func (r reaction) check(f *fault) {
	f.t.Helper()
	d := new(diary)
	f.cfg.Observer = d
	f.cfg.Limits.StartBatch, f.cfg.Limits.MaxBatch = reactionBatch, reactionBatch
	f.cfg.RowTimeout = patience // the code waits for the test
	read, struck := make(chan struct{}), make(chan struct{})
	transform, calls := inGo(), 0
	transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
		if calls++; calls == 2 {
			close(read)
			<-struck
		}
	})
	in := start(f.t, f.db, f.cfg, transform)
	goOn := sync.OnceFunc(func() { close(struck) })
	f.t.Cleanup(goOn)
	<-read
	if f.strike != nil {
		f.strike()
	}
	goOn()
	if f.during != nil {
		f.during()
	}
	said, ok := r.said[f.p.kind]
	if !ok {
		said = r.said[""]
	}
	if r.held {
		st := in.untilWhy(r.reason, said)
		if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
			f.t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
		}
	}
	if f.mend != nil {
		f.mend()
	}
	rows := int64(2 * reactionBatch)
	if r.aside != "" {
		in.untilWhy(bgtransform.ReasonQuarantine, "")
		held, err := in.Control().Quarantined(f.t.Context(), name, 10)
		must(f.t, err)
		if len(held) != 1 || held[0].Class != r.aside {
			f.t.Errorf("in quarantine are %+v, want one row as %q", held, r.aside)
		}
		rows--
		must(f.t, in.Control().Accept(f.t.Context(), name, bgtransform.By{Who: "test"}))
		exec(f.t, f.admin, "DELETE FROM items WHERE dst IS NULL") // an accepted row stays as it is
	}
	st := in.untilState(bgtransform.StateComplete)
	f.p.wantRight(f.t, f.admin, rows)
	if st.Rows != rows {
		f.t.Errorf("%d rows are counted, want %d", st.Rows, rows)
	}
	failed := d.count(func(end bgtransform.BatchEndInfo) bool { return bgtransform.ErrorType(end.Err) == r.class })
	if failed == 0 {
		f.t.Errorf("no batch failed as %q", r.class)
	}
	if r.reason != "" && !r.held && !d.has(r.reason, said) {
		f.t.Errorf("the reason was not told: %s: …%s…", r.reason, said)
	}
	smaller := d.count(func(end bgtransform.BatchEndInfo) bool {
		return end.Err == nil && end.Changed > 0 && end.Keys < reactionBatch
	})
	if r.shrinks && smaller == 0 {
		f.t.Error("no batch was smaller than the one that failed")
	}
}
