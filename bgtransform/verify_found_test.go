package bgtransform_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Code that never makes the same of a row is not said to be right, nor the row to
// be wrong, and nothing is repaired by it.
func TestVerifyResultVaries(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 150)
		var turn atomic.Int64
		r := toMS("x")
		each := r.Each
		r.Each = func(ctx context.Context, m *Track) error {
			if m.ID == 9 {
				ms := turn.Add(1)
				m.LengthMS = &ms
				return nil
			}
			return each(ctx, m)
		}
		in := start(t, db, quick(t), r)
		in.untilState("x", bgtransform.StateComplete)
		exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id = 10")
		held := count(t, db, "SELECT length_ms FROM tracks WHERE id = 9")
		v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
		if v.Clean() || v.Mismatches != 2 || v.Repaired != 1 {
			t.Errorf("%+v", v)
		}
		want := []string{"10 value differs length_ms repaired", "9 result varies length_ms"}
		if diff := cmp.Diff(want, in.found("x")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := count(t, db, "SELECT length_ms FROM tracks WHERE id = 9"); got != held {
			t.Errorf("a row whose result varies was written: %d, it held %d", got, held)
		}
	})
}

// Code that changes a value in place makes another of what it has made: it
// varies, and the value survives.
func TestVerifyNeverRepairsInPlace(t *testing.T) {
	t.Parallel()
	db := newDB(t, 20)
	in := start(t, db, quick(t), inPlace("x"))
	in.untilState("x", bgtransform.StateComplete)
	before := snapshot(t, db, allTracks)
	v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
	if v.Mismatches != 20 || v.Repaired != 0 || !strings.Contains(in.found("x")[0], "result varies title,length") {
		t.Errorf("%+v: %q", v, in.found("x"))
	}
	same(t, snapshot(t, db, allTracks), before)
}

// What the database refuses to store is told apart from what was repaired, and
// does not keep the rows around it from being repaired.
func TestVerifyRepairThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 120)
			in := start(t, db, quick(t), transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "CREATE UNIQUE INDEX once ON tracks (length_ms)")
			exec(t, db, "UPDATE tracks SET length_ms = -1 WHERE id = 8")
			exec(t, db, "UPDATE tracks SET length = 12 WHERE id = 9") // 12000 is taken
			exec(t, db, "UPDATE tracks SET length_ms = -2 WHERE id = 70")
			v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
			if v.Clean() || v.Mismatches != 3 || v.Repaired != 2 {
				t.Errorf("%s: %+v", name, v)
			}
			got := in.found("x")
			if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "9 value refused by the database") }) {
				t.Errorf("%s: %q", name, got)
			}
			if n := count(t, db, "SELECT length_ms FROM tracks WHERE id = 9"); n != 9000 {
				t.Errorf("%s: the refused row holds %d", name, n)
			}
			if n := count(t, db, "SELECT count(*) FROM tracks WHERE "+wrongMS(db)); n != 1 {
				t.Errorf("%s: %d rows are wrong, want just the one that is refused", name, n)
			}
			in.stop()
		}
	})
}

// A row that a trigger puts back is not said to be repaired.
func TestVerifyRepairThatATriggerUndoes(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 20)
			in := start(t, db, quick(t), transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (3, 4)")
			for _, statement := range stubborn(d.kind) {
				exec(t, db, statement)
			}
			v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
			if v.Clean() || v.Mismatches != 2 || v.Repaired != 1 {
				t.Errorf("%s: %+v: %q", name, v, in.found("x"))
			}
			in.stop()
		}
	})
}

// stubborn makes a trigger that leaves row 3 as it is, whatever is written to it.
func stubborn(kind string) []string {
	switch kind {
	case "pg":
		return []string{
			"CREATE FUNCTION stubborn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.length_ms = 7; RETURN new; END $$",
			"CREATE TRIGGER stubborn BEFORE UPDATE ON tracks FOR EACH ROW WHEN (old.id = 3) EXECUTE FUNCTION stubborn()",
		}
	case "mysql":
		return []string{"CREATE TRIGGER stubborn BEFORE UPDATE ON tracks FOR EACH ROW SET new.length_ms = IF(old.id = 3, 7, new.length_ms)"}
	default:
		return []string{"CREATE TRIGGER stubborn AFTER UPDATE OF length_ms ON tracks WHEN old.id = 3 BEGIN UPDATE tracks SET length_ms = 7 WHERE id = 3; END"}
	}
}

// A row for which a condition itself fails is listed as not checked; the others
// are looked at all the same, however big a batch is to be.
func TestVerifyConditionThatFailsForARow(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		overflow := "abs(length) < 0" // what has no absolute value is refused
		rows, byWrong, bySQL := toMS("x"), toMS("x"), toMSBySQL("x")
		rows.Pending += " OR " + overflow
		byWrong.Pending += " OR " + overflow
		bySQL.Wrong = differs(d.open(t), "length_ms", "abs(length) * 1000")
		byWrong.Wrong = wrongMS(d.open(t))
		for name, transform := range map[string]bgtransform.Transform{"pending, rows": rows, "pending, rows by wrong": byWrong, "wrong": bySQL} {
			db := newDBOn(t, d.kind, 120)
			cfg := quick(t)
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 40, StartBatch: 40, MaxBatch: 40}
			in := start(t, db, cfg, transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length = -9223372036854775807 - 1, length_ms = 0 WHERE id = 60")
			exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (59, 61)")
			v := in.verified("x", bgtransform.VerifyOptions{})
			if v.State != bgtransform.VerifyDone || v.Rows != 119 || v.Mismatches != 2 || v.Unchecked != 1 {
				t.Errorf("%s: %+v", name, v)
			}
			columns := map[bool]string{true: "length_ms"}[name == "pending, rows"]
			want := []string{"59 value differs " + columns, "60 not checked: refused by the database ", "61 value differs " + columns}
			if diff := cmp.Diff(want, in.found("x")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			in.stop()
		}
	})
}

// Code that is slow has its batches cut short: rows that the model cannot be
// filled from are counted once each, on whichever side of a cut they are.
func TestVerifyCutShort(t *testing.T) {
	t.Parallel()
	db := newDB(t, 60)
	r := toMS("x")
	each := r.Each
	var slow atomic.Bool
	var calls atomic.Int64
	r.Each = func(ctx context.Context, m *Track) error {
		if slow.Load() {
			if !slices.Contains([]int64{2, 30, 59}, m.ID) { // these are done by the pass that follows
				calls.Add(1)
			}
			timer := time.NewTimer(5 * time.Millisecond)
			<-timer.C
		}
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.LeaseTTL = time.Minute               // no batch is tried twice, however slow the machine is
	cfg.Limits.Target = 5 * time.Millisecond // so the budget is 50 ms, ten rows at most
	in := start(t, db, cfg, r)
	in.untilState("x", bgtransform.StateComplete)
	exec(t, db, "UPDATE tracks SET length = 'no number' WHERE id IN (1, 3, 4, 29, 55, 60)")
	exec(t, db, "UPDATE tracks SET length_ms = NULL WHERE id IN (2, 30, 59)")
	slow.Store(true)
	batches := in.untilState("x", bgtransform.StateComplete).Batches
	v := in.verified("x", bgtransform.VerifyOptions{})
	if v.Rows != 51 || v.Unchecked != 6 || v.Pending != 3 || v.Mismatches != 0 || calls.Load() != 51 {
		t.Errorf("%+v, with %d calls: %q", v, calls.Load(), in.found("x"))
	}
	want := []string{
		"1 not checked: scan ", "2 still pending ", "29 not checked: scan ", "3 not checked: scan ", "30 still pending ", "4 not checked: scan ",
		"55 not checked: scan ", "59 still pending ", "60 not checked: scan ",
	}
	if diff := cmp.Diff(want, in.found("x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := in.untilState("x", bgtransform.StateComplete).Batches - batches; n < 3 {
		t.Errorf("%d batches: none was cut short, this shows nothing", n)
	}
}

// Hidden is a table with rows that bun hides.
type Hidden struct {
	bun.BaseModel `bun:"table:hiddens,alias:hidden"`

	ID       int64     `bun:"id,pk"`
	Length   int64     `bun:"length"`
	LengthMS *int64    `bun:"length_ms"`
	Deleted  time.Time `bun:"deleted,soft_delete,nullzero,type:timestamp(6)"`
}

// Rows that bun hides are looked at like all others, for they are in the table;
// rows in quarantine are not, and those whose code fails now are not checked.
func TestVerifyHiddenAndQuarantinedRows(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for _, kind := range []string{"by code", "by wrong"} {
			db := newDatabase(t, d.kind).open(t)
			exec(t, db, "CREATE TABLE hiddens (id bigint PRIMARY KEY, length bigint NOT NULL, length_ms bigint, deleted timestamp(6) NULL)")
			rows := make([]Hidden, 120)
			for i := range rows {
				rows[i] = Hidden{ID: int64(i + 1), Length: int64(i + 1)}
				if i%2 == 1 {
					rows[i].Deleted = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
				}
			}
			must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
			var later atomic.Bool
			r := bgtransform.Rows[Hidden]{
				Name: "x", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
				Each: func(_ context.Context, m *Hidden) error {
					if m.ID == 50 || (m.ID == 60 && later.Load()) {
						return errors.New("no")
					}
					ms := m.Length * 1000
					m.LengthMS = &ms
					return nil
				},
			}
			if kind == "by wrong" {
				r.Wrong = differs(db, "length_ms", "length * 1000")
			}
			in := start(t, db, quick(t), r)
			in.untilReason("x", bgtransform.ReasonQuarantine)
			must(t, in.Control().Accept(t.Context(), "x", ann))
			in.untilState("x", bgtransform.StateComplete)
			later.Store(true)
			exec(t, db, "UPDATE hiddens SET length_ms = 7 WHERE id IN (3, 4, 60)") // 4 and 60 are hidden
			v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
			want := []string{"3 value differs length_ms repaired", "4 value differs length_ms repaired", "60 not checked: error "}
			checked, wrong, unchecked := int64(118), int64(2), int64(1)
			if kind == "by wrong" {
				want = []string{"3 value differs  repaired", "4 value differs  repaired", "60 value differs "}
				checked, wrong, unchecked = 119, 3, 0
			}
			if v.Rows != checked || v.Mismatches != wrong || v.Unchecked != unchecked || v.Repaired != 2 || v.Pending != 0 {
				t.Errorf("%s: %+v", kind, v)
			}
			if diff := cmp.Diff(want, in.found("x")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
			if n := count(t, db, "SELECT length_ms FROM hiddens WHERE id = 4"); n != 4000 {
				t.Errorf("%s: a hidden row holds %d", kind, n)
			}
			in.stop()
		}
	})
}

// Typed is a table of types whose stored form is not that of the value in Go.
type Typed struct {
	bun.BaseModel `bun:"table:typeds,alias:typed"`

	ID    int64          `bun:"id,pk"`
	N     int64          `bun:"n"`
	Flag  *bool          `bun:"flag"`
	Price float64        `bun:"price"`
	Real  float32        `bun:"approx"`
	Text  string         `bun:"txt"`
	Blob  []byte         `bun:"blb"`
	At    time.Time      `bun:"happened,nullzero"`
	Doc   map[string]any `bun:"doc,type:json"`
}

func typedColumns(name dialect.Name) string {
	switch name {
	case dialect.PG:
		return "flag boolean, price numeric(10,2), approx real, txt char(12), blb bytea, happened timestamptz(3), doc jsonb"
	case dialect.MySQL:
		return "flag boolean, price decimal(10,2), approx float, txt char(12), blb varbinary(40), happened datetime(3), doc json"
	default:
		return "flag BOOLEAN, price NUMERIC, approx REAL, txt TEXT COLLATE NOCASE, blb BLOB, happened DATETIME, doc TEXT"
	}
}

// What the database makes of a value is no mismatch; the smallest change of any
// column is one, and its repair restores the row to the byte.
func TestVerifyOddTypes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		exec(t, db, "CREATE TABLE typeds (id bigint PRIMARY KEY, n bigint NOT NULL, "+typedColumns(db.Dialect().Name())+")")
		for id := range 30 {
			exec(t, db, "INSERT INTO typeds (id, n) VALUES (?, ?)", id+1, id)
		}
		columns := []string{"flag", "price", "approx", "txt", "blb", "happened", "doc"}
		in := start(t, db, quick(t), bgtransform.Rows[Typed]{
			Name: "x", Pending: "flag IS NULL", Reads: []string{"n"}, Writes: columns,
			Each: func(_ context.Context, m *Typed) error {
				yes := m.N%2 == 0
				m.Flag, m.Price, m.Real = &yes, float64(m.N)+0.125, float32(m.N)/3
				m.Text, m.Blob = "o'K å ", []byte{0, 0xff, byte(m.N)}
				m.At = time.Date(2024, 3, 31, 2, 30, int(m.N), 123_456_789, time.UTC)
				m.Doc = map[string]any{"b": m.N, "a": []any{nil, "x"}}
				return nil
			},
		})
		in.untilState("x", bgtransform.StateComplete)
		if v := in.verified("x", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 30 {
			t.Errorf("of right rows it says %+v: %q", v, in.found("x"))
		}
		all := "SELECT id, flag, price, approx, txt, blb, happened, doc FROM typeds"
		if db.Dialect().Name() == dialect.SQLite { // past the driver
			all = "SELECT id, flag, quote(price), quote(approx), quote(txt), quote(blb), quote(happened), quote(doc) FROM typeds"
		}
		before := snapshot(t, db, all)
		for id, set := range []string{
			"flag = NOT flag", "price = price + 0.01", "approx = approx + 1", "txt = 'O''K å'", "blb = NULL", "happened = '2024-03-31 02:30:00'", `doc = '{"b": 1}'`,
		} {
			exec(t, db, "UPDATE typeds SET "+set+" WHERE id = ?", id+1)
		}
		v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
		if !v.Clean() || v.Mismatches != 7 || v.Repaired != 7 {
			t.Errorf("%+v", v)
		}
		var want []string
		for i, column := range columns {
			want = append(want, string(rune('1'+i))+" value differs "+column+" repaired")
		}
		if diff := cmp.Diff(want, in.found("x")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		same(t, snapshot(t, db, all), before)
		// What the model cannot hold is nothing that code could look at again.
		exec(t, db, "UPDATE typeds SET doc = '[]' WHERE id = 8")
		v = in.verified("x", bgtransform.VerifyOptions{Repair: true})
		if v.Rows != 29 || v.Mismatches != 0 || v.Repaired != 0 || v.Unchecked != 1 {
			t.Errorf("after the repair it says %+v", v)
		}
		if got := in.found("x"); len(got) != 1 || got[0] != "8 not checked: scan doc" {
			t.Errorf("got %q", got)
		}
	})
}
