package dbfaulttest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Odd is a table that refuses much.
type Odd struct {
	bun.BaseModel `bun:"table:odd,alias:o"`

	ID    int64   `bun:"id,pk"`
	Src   int64   `bun:"src"`
	Dst   *int64  `bun:"dst"`   // neither twice the same, nor 7000
	Need  *int64  `bun:"need"`  // not null
	Small int64   `bun:"small"` // a smallint
	Note  string  `bun:"note"`  // at most 5 characters
	Num   *string `bun:"num"`   // a number
	Ref   *int64  `bun:"ref"`   // 1, or nothing
}

// seedOdd makes n rows, and the trigger that refuses one of them.
func (p place) seedOdd(t testing.TB, db *bun.DB, n int) {
	t.Helper()
	exec(t, db,
		"CREATE TABLE refs (id bigint NOT NULL PRIMARY KEY)",
		"INSERT INTO refs VALUES (1)",
		`CREATE TABLE odd (id bigint NOT NULL PRIMARY KEY, src bigint NOT NULL, dst bigint, need bigint NOT NULL DEFAULT 0, small smallint NOT NULL DEFAULT 0,
			note varchar(5) NOT NULL DEFAULT '', num numeric(10, 2), ref bigint,
			CONSTRAINT odd_twice UNIQUE (dst), CONSTRAINT odd_seven CHECK (dst <> 7000), CONSTRAINT odd_ref FOREIGN KEY (ref) REFERENCES refs (id))`)
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("(%d, %d)", i+1, i+1)
	}
	exec(t, db, "INSERT INTO odd (id, src) VALUES "+strings.Join(values, ", "))
	if p.kind == postgres {
		exec(t, db,
			"CREATE FUNCTION odd_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.id = 9 THEN RAISE EXCEPTION 'no'; END IF; RETURN new; END $$",
			"CREATE TRIGGER odd_no BEFORE UPDATE ON odd FOR EACH ROW EXECUTE FUNCTION odd_no()")
		return
	}
	exec(t, db, "CREATE TRIGGER odd_no BEFORE UPDATE ON odd FOR EACH ROW BEGIN IF new.id = 9 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF; END")
}

// refused is what the database says of a row.
const refused = "refused by the database"

// oddities are the rows that cannot be transformed: what the code does to each, and
// the class under which it ends in quarantine.
func oddities(hang <-chan struct{}) map[int64]struct {
	class string
	do    func(ctx context.Context, m *Odd) error
} {
	type oddity = struct {
		class string
		do    func(ctx context.Context, m *Odd) error
	}
	set := func(do func(m *Odd)) oddity {
		return oddity{refused, func(_ context.Context, m *Odd) error { do(m); return nil }}
	}
	panics := func(v any) oddity {
		return oddity{"panic", func(context.Context, *Odd) error { panic(v) }}
	}
	return map[int64]oddity{
		7:   set(func(*Odd) {}),                                   // the check
		9:   set(func(*Odd) {}),                                   // the trigger
		20:  set(func(m *Odd) { m.Dst = new(int64(3 * factor)) }), // twice the same
		31:  set(func(m *Odd) { m.Need = nil }),
		42:  set(func(m *Odd) { m.Small = 1 << 40 }),
		53:  set(func(m *Odd) { m.Note = "too long" }),
		64:  set(func(m *Odd) { m.Num = new("x") }),
		75:  set(func(m *Odd) { m.Ref = new(int64(2)) }),
		86:  {"error", func(context.Context, *Odd) error { return errors.New("no") }},
		97:  panics(errors.New("no")),
		108: panics(struct{ f func() }{}),
		119: panics(nil),
		130: {"exit", func(context.Context, *Odd) error { runtime.Goexit(); return nil }},
		141: {"timeout", func(context.Context, *Odd) error { <-hang; return nil }},
		152: {"timeout", func(ctx context.Context, _ *Odd) error { <-ctx.Done(); return ctx.Err() }},
	}
}

// Rows that cannot be transformed go to quarantine, those rows only, each under its
// class; when what was wrong is mended, a retry does them, and what cannot be mended
// is accepted.
func TestI2OddRowsGoToQuarantine(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 300
		db := p.open(t)
		p.seedOdd(t, db, rows)
		hang := make(chan struct{})
		defer close(hang)
		odd := oddities(hang)
		var mended atomic.Bool
		const hopeless = 97
		cfg := quick(t)
		in := start(t, db, cfg, bgtransform.Rows[Odd]{
			Name: name, Pending: "dst IS NULL", Reads: []string{"src"}, Writes: []string{"dst", "need", "small", "note", "num", "ref"},
			Each: func(ctx context.Context, m *Odd) error {
				m.Dst, m.Need, m.Note = new(m.Src*factor), new(int64(1)), "ok"
				if o, ok := odd[m.ID]; ok && (!mended.Load() || m.ID == hopeless) {
					return o.do(ctx, m)
				}
				return nil
			},
			Options: bgtransform.Options{RowTimeout: patienceWithRows},
		})
		st := in.untilWhy(bgtransform.ReasonQuarantine, "")
		if st.Quarantined != int64(len(odd)) || st.Rows != rows-int64(len(odd)) {
			t.Errorf("%d rows are in quarantine and %d done, want %d and %d", st.Quarantined, st.Rows, len(odd), rows-len(odd))
		}
		held, err := in.Control().Quarantined(t.Context(), name, rows)
		must(t, err)
		for _, row := range held {
			var id int64
			if _, err := fmt.Sscan(row.Key, &id); err != nil {
				t.Errorf("key %q: %v", row.Key, err)
			}
			o, ok := odd[id]
			if !ok || row.Class != o.class || row.Tries != 1 || row.First.IsZero() || row.Message == "" {
				t.Errorf("row %d is in quarantine as %q with %d tries, want %q with 1", id, row.Class, row.Tries, o.class)
			}
			delete(odd, id)
		}
		if len(odd) > 0 {
			t.Errorf("not in quarantine: %v", odd)
		}
		odd = oddities(hang)

		drop := map[string][]string{
			postgres: {"DROP TRIGGER odd_no ON odd", "ALTER TABLE odd DROP CONSTRAINT odd_seven"},
			mariadb:  {"DROP TRIGGER odd_no", "ALTER TABLE odd DROP CONSTRAINT odd_seven"},
		}
		mended.Store(true)
		exec(t, db, drop[p.kind]...)
		must(t, in.Control().Retry(t.Context(), name, bgtransform.By{Who: "test"}))
		st = in.until("all but one done", func(st bgtransform.Status) bool {
			return st.Rows == rows-1 && st.Quarantined == 1 && st.Why().Code == bgtransform.ReasonQuarantine
		})
		held, err = in.Control().Quarantined(t.Context(), name, rows)
		must(t, err)
		if len(held) != 1 || held[0].Key != fmt.Sprint(hopeless) || held[0].Tries != 2 {
			t.Errorf("in quarantine are %+v, want row %d alone, tried twice", held, hopeless)
		}
		must(t, in.Control().Accept(t.Context(), name, bgtransform.By{Who: "test"}))
		in.untilState(bgtransform.StateComplete)
		if wrong := number(t, db, "SELECT count(*) FROM odd WHERE dst IS NULL OR dst <> src * 1000"); wrong != 1 {
			t.Errorf("%d rows are wrong or pending, want the accepted one", wrong)
		}
	})
}

// A pending condition that the database cannot evaluate for one row costs that row.
func TestI2RowThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const pending = "dst IS NULL AND CAST(pad AS integer) = 0"
	inGo, inSQL := inGo(), inSQL()
	inGo.Pending, inSQL.Pending = pending, pending
	for what, transform := range map[string]bgtransform.Transform{"rows": inGo, "sql": inSQL} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := shared(t, postgres) // other databases make a number of anything
			db := p.open(t)
			p.seed(t, db, 300)
			exec(t, db, "UPDATE items SET ver = 1, pad = '0'", "UPDATE items SET pad = 'x', ver = 2 WHERE id = 770", "DELETE FROM audit")
			in := start(t, db, quick(t), transform)
			st := in.untilWhy(bgtransform.ReasonQuarantine, "")
			if st.Quarantined != 1 || st.Rows != 299 {
				t.Errorf("%d rows in quarantine and %d done, want 1 and 299", st.Quarantined, st.Rows)
			}
			must(t, in.Control().Accept(t.Context(), name, bgtransform.By{Who: "test"}))
			in.untilState(bgtransform.StateComplete)
			if got := number(t, db, "SELECT count(*) FROM audit"); got != 299 {
				t.Errorf("%d writes, want 299", got)
			}
		})
	}
}

// When many rows fail, it is the transform that is wrong.
func TestI2TooManyOddRowsFailTheTransform(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		for what, limit := range map[string]func(*bgtransform.Config){
			"by number": func(cfg *bgtransform.Config) { cfg.MaxQuarantine, cfg.MaxQuarantineShare = 5, 1 },
			"by share":  func(cfg *bgtransform.Config) { cfg.MaxQuarantineShare = 0.05 },
		} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				p := shared(t, p.kind)
				db := p.open(t)
				p.seed(t, db, 1000)
				exec(t, db, "ALTER TABLE items ADD CONSTRAINT tenth CHECK (dst IS NULL OR src % 10 <> 0)")
				cfg := quick(t)
				limit(&cfg)
				in := start(t, db, cfg, inSQL())
				st := in.untilState(bgtransform.StateFailed)
				if st.Reason.Code != bgtransform.ReasonTooManyBad {
					t.Errorf("failed for %s, want %s", st.Reason.Code, bgtransform.ReasonTooManyBad)
				}
				if st.Quarantined > 20 {
					t.Errorf("it went on to %d rows in quarantine", st.Quarantined)
				}
			})
		}
	})
}
