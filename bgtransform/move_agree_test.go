package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Order has a total that moves from text to cents.
type Order struct {
	bun.BaseModel `bun:"table:orders,alias:ord"`

	ID    int64   `bun:"id,pk"`
	Total *string `bun:"total,type:varchar(40)"`
	Cents *int64  `bun:"total_cents"`
}

// orderCents reads "12.30 EUR", to the letter.
func orderCents(o *Order) (int64, bool) {
	amount, ok := strings.CutSuffix(text(o.Total), " EUR")
	whole, cents, dot := strings.Cut(amount, ".")
	n, err := strconv.ParseInt(whole+cents, 10, 64)
	return n, ok && dot && len(cents) == 2 && err == nil
}

// orderTotal is a move whose Forward takes what Old does not: "12.3 EUR" for 123.
func orderTotal(db *bun.DB) dualread.Move[Order, int64] {
	forward := map[dialect.Name]string{
		dialect.PG:     "CAST(replace(split_part(?0, ' ', 1), '.', '') AS bigint)",
		dialect.MySQL:  "CAST(replace(substring_index(?0, ' ', 1), '.', '') AS SIGNED)",
		dialect.SQLite: "CAST(replace(substr(?0, 1, instr(?0, ' ') - 1), '.', '') AS INTEGER)",
	}
	return dualread.Move[Order, int64]{
		Name:       "order-total",
		OldColumns: []string{"total"},
		NewColumns: []string{"total_cents"},
		Forward:    []string{forward[db.Dialect().Name()]},
		Old:        orderCents,
		New:        func(o *Order) (int64, bool) { return value(o.Cents) },
		SetOld:     func(o *Order, v int64) { o.Total = new(fmt.Sprintf("%d.%02d EUR", v/100, v%100)) },
		SetNew:     func(o *Order, v int64) { o.Cents = new(v) },
	}
}

// orders makes 100 of them; the odd ones replace those of their keys.
func orders(t testing.TB, db *bun.DB, odd map[int64]string) {
	t.Helper()
	must(t, errOf(db.NewCreateTable().Model((*Order)(nil)).Exec(t.Context())))
	rows := make([]Order, 100)
	for i := range rows {
		id := int64(i + 1)
		rows[i] = Order{ID: id, Total: new(fmt.Sprintf("%d.%02d EUR", id, i))}
		if total, is := odd[id]; is {
			rows[i].Total = new(total)
		}
	}
	must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
}

const (
	oldFindsNone = "Go and SQL disagree: Old (Go) finds no value, and Forward (SQL) one"
	valuesDiffer = "Go and SQL disagree: Old (Go) and Forward (SQL) make different values"
)

func wantFound(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	want = slices.Clone(want)
	if want == nil {
		want = []string{}
	}
	for i := range want {
		if !strings.HasSuffix(want[i], "repaired") {
			want[i] += " " // no columns
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// What SQL has made of a row although Go finds no value there is found, by a whole
// verification and by the plan, and no repair writes it. Once the definition is
// mended, nothing is left of it.
func TestMoveWhoseGoAndSQLDisagree(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		orders(t, db, map[int64]string{7: "12.3 EUR", 70: "15.0 EUR"})
		m := bgtransform.Move[Order, int64]{Column: column(t, orderTotal(db))}
		plan := planOf(t, db, quick(t), bgtransform.PlanOptions{Examples: 5}, m)
		if want := oldFindsNone + " (rows of the sample: 2)"; len(plan.Warnings) != 1 || !strings.HasPrefix(plan.Warnings[0], want) {
			t.Errorf("the plan warns %q, want %q", plan.Warnings, want)
		}
		if diff := cmp.Diff([]string{"7", "70"}, plan.Disagreeing); diff != "" {
			t.Errorf("keys in the plan (-want +got):\n%s", diff)
		}

		in := start(t, db, quick(t), m)
		in.untilState("order-total", bgtransform.StateComplete)
		exec(t, db, "UPDATE orders SET total_cents = 1 WHERE id IN (8, 70)") // wrong for SQL too
		v := in.verified("order-total", bgtransform.VerifyOptions{Repair: true})
		if v.Clean() || v.Rows != 100 || v.Mismatches != 3 || v.Repaired != 1 {
			t.Errorf("verification: %+v", v)
		}
		wantFound(t, "mismatches", in.found("order-total"), "7 "+oldFindsNone, "70 "+oldFindsNone, "8 value differs  repaired")
		if n := count(t, db, "SELECT count(*) FROM orders WHERE id = 70 AND total_cents = 1"); n != 1 {
			t.Error("a row about which Go and SQL disagree was repaired")
		}
		in.stop()

		mended := orderTotal(db)
		mended.Forward = []string{"CASE WHEN ?0 LIKE '%.__ EUR' THEN " + mended.Forward[0] + " END"}
		in = start(t, db, quick(t), bgtransform.Move[Order, int64]{Column: column(t, mended)})
		in.until("order-total", "complete by the mended definition", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateComplete && st.Run == 2
		})
		if v := in.verified("order-total", bgtransform.VerifyOptions{Repair: true}); !v.Clean() || v.Repaired != 2 {
			t.Errorf("by the mended definition: %+v: %q", v, in.found("order-total"))
		}
		if n := count(t, db, "SELECT count(*) FROM orders WHERE total_cents IS NULL"); n != 2 {
			t.Errorf("%d rows have no value, want the 2 of which Go makes none", n)
		}
	})
}

// A sample finds it too, where it looks.
func TestMoveSampleAsksGo(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	odd := map[int64]string{}
	for id := range int64(100) {
		odd[id+1] = fmt.Sprintf("%d.3 EUR", id)
	}
	orders(t, db, odd)
	in := start(t, db, quick(t), bgtransform.Move[Order, int64]{Column: column(t, orderTotal(db))})
	in.untilState("order-total", bgtransform.StateComplete)
	if v := in.verified("order-total", bgtransform.VerifyOptions{Sample: 0.1}); v.Rows < 5 || v.Rows > 50 || v.Mismatches != v.Rows {
		t.Errorf("%+v, want a mismatch for each row of the sample", v)
	}
}

// A row for which the SQL fails, which the app has written meanwhile, is found as such.
func TestMoveWhoseSQLFailsForARow(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, "pg").open(t)
	orders(t, db, nil)
	in := start(t, db, quick(t), bgtransform.Move[Order, int64]{Column: column(t, orderTotal(db))})
	in.untilState("order-total", bgtransform.StateComplete)
	exec(t, db, "UPDATE orders SET total = 'twelve', total_cents = 1200 WHERE id = 50")
	if v := in.verified("order-total", bgtransform.VerifyOptions{Repair: true}); v.Clean() || v.Rows != 99 || v.Mismatches != 1 {
		t.Errorf("%+v", v)
	}
	wantFound(t, "mismatches", in.found("order-total"), "50 Go and SQL disagree: SQL fails for the row")
}

// Text that is no total goes to quarantine, where HasOld says that it is a value and
// Inspect that it is none; accepted, it is in the way of nothing.
func TestMoveOfTextThatCannotBeParsed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		orders(t, db, map[int64]string{7: "12.3 EUR", 70: "twelve", 71: ""})
		def := orderTotal(db)
		def.HasOld = "? <> ''"
		m := bgtransform.Move[Order, int64]{Column: column(t, def), Inspect: func(_ context.Context, o *Order) error {
			if _, ok := orderCents(o); !ok {
				return errors.New("no total")
			}
			return nil
		}}
		in := start(t, db, quick(t), m)
		if st := in.untilReason("order-total", bgtransform.ReasonQuarantine); st.Rows != 97 || st.Quarantined != 2 {
			t.Errorf("%d rows moved and %d in quarantine, want 97 and 2", st.Rows, st.Quarantined)
		}
		exec(t, db, "UPDATE orders SET total = '12.30 EUR' WHERE id = 7")
		must(t, in.Control().Retry(t.Context(), "order-total", ann))
		in.until("order-total", "one row left", func(st bgtransform.Status) bool { return st.Quarantined == 1 })
		must(t, in.Control().Accept(t.Context(), "order-total", ann))
		in.untilState("order-total", bgtransform.StateComplete)
		if v := in.verified("order-total", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 99 {
			t.Errorf("%+v: %q", v, in.found("order-total"))
		}
		if n := count(t, db, "SELECT total_cents FROM orders WHERE id = 7"); n != 1230 {
			t.Errorf("the mended row holds %d", n)
		}
	})
}

// Each of the functions is asked, and what it says is told apart.
func TestMoveAsksEachFunction(t *testing.T) {
	t.Parallel()
	type move = dualread.Move[Piece, int64]
	seconds := func(p *Piece) (int64, bool) { s, ok := value(p.Length); return s * 2000, ok }
	cases := map[string]struct {
		change func(*move)
		code   bool // Go moves the rows
		want   []string
	}{
		"an honest one":         {change: func(*move) {}},
		"an honest one by code": {change: func(*move) {}, code: true},
		"HasOld leaves out": {
			change: func(m *move) { m.HasOld = "? > 1" },
			want:   []string{"4 Go and SQL disagree: Old (Go) finds a value, and HasOld (SQL) none"},
		},
		"Old makes more": {
			change: func(m *move) { m.Old = seconds },
			want:   []string{"1 " + valuesDiffer, "4 " + valuesDiffer},
		},
		"Old makes more, by code": {
			change: func(m *move) { m.Old, m.Backward = seconds, nil }, code: true,
			want: []string{"1 " + valuesDiffer, "2 value differs", "4 " + valuesDiffer},
		},
		"Old panics": {
			change: func(m *move) {
				old := m.Old
				m.Old = func(p *Piece) (int64, bool) {
					if p.ID == 1 {
						panic("secret")
					}
					return old(p)
				}
			},
			want: []string{"1 Go and SQL disagree: a function (Go) panics"},
		},
		"New finds none": {
			change: func(m *move) {
				m.New = func(p *Piece) (int64, bool) { ms, ok := value(p.LengthMS); return ms, ok && ms != 1000 }
			},
			want: []string{"4 Go and SQL disagree: New (Go) finds no value in columns that are not null"},
		},
		"Backward makes more": { // by SQL an old instance has written row 2, which the transform would overwrite
			change: func(m *move) { m.Backward = []string{"(?0 - ?0 % 1000) / 1000 + 1"} },
			want:   []string{"2 Go and SQL disagree: SetOld (Go) and Backward (SQL) make different values"},
		},
		"SetOld makes more": {
			change: func(m *move) { m.SetOld = func(p *Piece, ms int64) { p.Length = new(ms/1000 + 1) } },
			want:   []string{"2 Go and SQL disagree: SetOld (Go) and Backward (SQL) make different values"},
		},
	}
	onEach(t, func(t *testing.T, db *bun.DB) {
		pieces(t, db, Piece{}, Piece{}, Piece{}, Piece{})
		for name, c := range cases {
			exec(t, db, "UPDATE pieces SET length = CASE id WHEN 1 THEN 5 WHEN 2 THEN 3 WHEN 4 THEN 1 END, length_ms = NULL")
			def := pieceLength()
			def.Name = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), " ", "-"), ",", "")
			c.change(&def)
			m := bgtransform.Move[Piece, int64]{Column: column(t, def)}
			if c.code {
				m = byCode(m)
			}
			in := start(t, db, quick(t), m)
			in.untilState(def.Name, bgtransform.StateComplete)
			exec(t, db, "UPDATE pieces SET length = 3, length_ms = 3456 WHERE id = 2") // a dual write
			v := in.verified(def.Name, bgtransform.VerifyOptions{})
			if v.Rows != 4 || v.Mismatches != int64(len(c.want)) || v.Pending != 0 {
				t.Errorf("%s: %+v", name, v)
			}
			wantFound(t, name, in.found(def.Name), c.want...)
			if v := in.verified(def.Name, bgtransform.VerifyOptions{Repair: def.Backward != nil}); v.Repaired != 0 {
				t.Errorf("%s: %d rows repaired, want none", name, v.Repaired)
			}
			in.stop()
		}
	})
}

// A repair by Go code writes no row that SQL would call wrong all the same.
func TestMoveByCodeIsNotRepairedAgainstItsSQL(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	pieces(t, db, Piece{Length: new(int64(5))}, Piece{Length: new(int64(6))})
	def := pieceLength()
	def.Backward = nil
	def.Old = func(p *Piece) (int64, bool) {
		s, ok := value(p.Length)
		if p.ID == 2 {
			s++
		}
		return s * 1000, ok
	}
	in := start(t, db, quick(t), byCode(bgtransform.Move[Piece, int64]{Column: column(t, def)}))
	in.untilState("piece-length", bgtransform.StateComplete)
	exec(t, db, "UPDATE pieces SET length_ms = 1")
	if v := in.verified("piece-length", bgtransform.VerifyOptions{Repair: true}); v.Mismatches != 2 || v.Repaired != 1 {
		t.Errorf("%+v", v)
	}
	wantFound(t, "mismatches", in.found("piece-length"), "1 value differs  repaired", "2 "+valuesDiffer)
	wantPieces(t, db, "rows", func(p Piece) string { return text(p.LengthMS) }, "5000", "1")
}

// What the app writes to a row after Go was asked about its repair is not repaired
// unasked: here it is text about which both disagree.
func TestMoveRepairLeavesWhatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		orders(t, db, nil)
		def := orderTotal(db)
		var once sync.Once
		def.Old = func(o *Order) (int64, bool) {
			if cents, _ := value(o.Cents); o.ID == 8 && cents == 807 { // what the repair would write
				once.Do(func() { exec(t, db, "UPDATE orders SET total = '9.9 EUR' WHERE id = 8") })
			}
			return orderCents(o)
		}
		in := start(t, db, quick(t), bgtransform.Move[Order, int64]{Column: column(t, def)})
		in.untilState("order-total", bgtransform.StateComplete)
		exec(t, db, "UPDATE orders SET total_cents = 1 WHERE id IN (8, 9)")
		if v := in.verified("order-total", bgtransform.VerifyOptions{Repair: true}); v.Repaired != 1 || v.Mismatches != 1 {
			t.Errorf("%+v: %q", v, in.found("order-total"))
		}
		if n := count(t, db, "SELECT total_cents FROM orders WHERE id = 8"); n != 1 {
			t.Errorf("the row that has changed meanwhile holds %d", n)
		}
	})
}

// New columns in another table are asked about where they are.
func TestMoveToAnotherTableAsksGo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		discs(t, db)
		move := discLength()
		old := move.Old
		move.Old = func(d *Disc) (int64, bool) {
			ms, ok := old(d)
			return ms, ok && ms != 7000
		}
		m := bgtransform.Move[Disc, int64]{Column: column(t, move)}
		if plan := planOf(t, db, quick(t), bgtransform.PlanOptions{}, m); len(plan.Warnings) != 1 || !strings.HasPrefix(plan.Warnings[0], oldFindsNone) || plan.Disagreeing != nil {
			t.Errorf("the plan warns %q of the rows %q", plan.Warnings, plan.Disagreeing)
		}
		in := start(t, db, quick(t), m)
		in.untilState("disc-length", bgtransform.StateComplete)
		if v := in.verified("disc-length", bgtransform.VerifyOptions{Repair: true}); v.Mismatches != 1 || v.Repaired != 0 || v.Rows != 6 {
			t.Errorf("%+v", v)
		}
		wantFound(t, "mismatches", in.found("disc-length"), "3 "+oldFindsNone)
	})
}
