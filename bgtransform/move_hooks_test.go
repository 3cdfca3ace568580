package bgtransform_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Hooked is a model that cannot be saved with one side forgotten.
type Hooked struct {
	bun.BaseModel `bun:"table:hooked,alias:hooked"`

	ID       int64  `bun:"id,pk"`
	Title    string `bun:"title"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

func hookedMove() dualread.Move[Hooked, int64] {
	return dualread.Move[Hooked, int64]{
		Name: "hooked", OldColumns: []string{"length"}, NewColumns: []string{"length_ms"},
		Old:    func(h *Hooked) (int64, bool) { return h.Length * 1000, true },
		New:    func(h *Hooked) (int64, bool) { return value(h.LengthMS) },
		SetOld: func(h *Hooked, ms int64) { h.Length = ms / 1000 },
		SetNew: func(h *Hooked, ms int64) { h.LengthMS = new(ms) },
	}
}

func (*Hooked) BeforeInsert(ctx context.Context, q *bun.InsertQuery) error {
	return hookedMove().BeforeInsert(ctx, q)
}

func (*Hooked) BeforeUpdate(ctx context.Context, q *bun.UpdateQuery) error {
	return hookedMove().BeforeUpdate(ctx, q)
}

// hookCase is a query, and either the rows that it leaves or a part of its error. Row
// 1 has both columns before, row 2 only the old one.
type hookCase struct {
	name string
	do   func(ctx context.Context, db *bun.DB) (sql.Result, error)
	want string
	fail string
	bulk bool // as bun spells it for MySQL 8, which MariaDB does not know
}

const before = "1: 3 s 3456 ms, 2: 5 s null ms"

func loaded(change func(h *Hooked)) *Hooked {
	h := &Hooked{ID: 1, Title: "it's \\ \"one\"", Length: 3, LengthMS: new(int64(3456))}
	change(h)
	return h
}

func insertCases() []hookCase {
	insert := func(m any) func(context.Context, *bun.DB) (sql.Result, error) {
		return func(ctx context.Context, db *bun.DB) (sql.Result, error) { return db.NewInsert().Model(m).Exec(ctx) }
	}
	upsert := func(h *Hooked, set string) func(context.Context, *bun.DB) (sql.Result, error) {
		return func(ctx context.Context, db *bun.DB) (sql.Result, error) {
			q := db.NewInsert().Model(h)
			if db.Dialect().Name() == dialect.MySQL {
				q.On("DUPLICATE KEY UPDATE")
				set = strings.NewReplacer("EXCLUDED.length_ms", "VALUES(length_ms)", "EXCLUDED.length", "VALUES(length)").Replace(set)
			} else {
				q.On("CONFLICT (id) DO UPDATE")
			}
			if set != "" {
				q.Set(set)
			}
			return q.Exec(ctx)
		}
	}
	return []hookCase{
		{name: "insert of the old side", do: insert(&Hooked{ID: 3, Length: 7}), want: before + ", 3: 7 s 7000 ms"},
		{name: "insert of the new side", do: insert(&Hooked{ID: 3, LengthMS: new(int64(7600))}), want: before + ", 3: 7 s 7600 ms"},
		{name: "insert of both", do: insert(&Hooked{ID: 3, Length: 7, LengthMS: new(int64(7600))}), want: before + ", 3: 7 s 7600 ms"},
		{name: "insert of two values", do: insert(&Hooked{ID: 3, Length: 8, LengthMS: new(int64(7600))}), fail: "do not go together"},
		{name: "insert of a slice", do: insert(&[]Hooked{{ID: 3, Length: 7}, {ID: 4, LengthMS: new(int64(9))}}), want: before + ", 3: 7 s 7000 ms, 4: 0 s 9 ms"},
		{name: "insert of pointers", do: insert(&[]*Hooked{{ID: 3}, {ID: 4, Length: 1}}), want: before + ", 3: 0 s 0 ms, 4: 1 s 1000 ms"},
		{name: "insert of listed columns", do: func(ctx context.Context, db *bun.DB) (sql.Result, error) {
			return db.NewInsert().Model(&Hooked{ID: 3, Length: 7}).Column("id", "title", "length").Exec(ctx)
		}, want: before + ", 3: 7 s 7000 ms"},
		{name: "insert without a column", do: func(ctx context.Context, db *bun.DB) (sql.Result, error) {
			return db.NewInsert().Model(&Hooked{ID: 3, Length: 7}).ExcludeColumn("length_ms").Exec(ctx)
		}, want: before + ", 3: 7 s 7000 ms"},
		{name: "insert from a query", do: func(ctx context.Context, db *bun.DB) (sql.Result, error) {
			return db.NewInsert().Model((*Hooked)(nil)).Column("id", "title", "length").TableExpr("(SELECT 3 AS id, '' AS title, 7 AS length) AS s").Exec(ctx)
		}, fail: `list "length_ms" too`},
		{name: "upsert", do: upsert(&Hooked{ID: 1, LengthMS: new(int64(7600))}, ""), want: "1: 7 s 7600 ms, 2: 5 s null ms"},
		{name: "upsert of another column", do: upsert(&Hooked{ID: 1, LengthMS: new(int64(7600))}, "title = 'x'"), want: before},
		{name: "upsert of one side", do: upsert(&Hooked{ID: 1, Length: 7}, "length = EXCLUDED.length"), fail: `set "length_ms" too`},
		{name: "upsert of both", do: upsert(&Hooked{ID: 2, Length: 7}, "length = EXCLUDED.length, length_ms = EXCLUDED.length_ms"), want: "1: 3 s 3456 ms, 2: 7 s 7000 ms"},
	}
}

func updateCases() []hookCase {
	update := func(h any, change func(q *bun.UpdateQuery)) func(context.Context, *bun.DB) (sql.Result, error) {
		return func(ctx context.Context, db *bun.DB) (sql.Result, error) {
			q := db.NewUpdate().Model(h)
			change(q)
			return q.Exec(ctx)
		}
	}
	pk := func(columns ...string) func(q *bun.UpdateQuery) {
		return func(q *bun.UpdateQuery) { q.Column(columns...).WherePK() }
	}
	length := func(s int64) *Hooked { return loaded(func(h *Hooked) { h.Length = s }) }
	ms := func(n int64) *Hooked { return loaded(func(h *Hooked) { h.LengthMS = new(n) }) }
	set := func(sql string, args ...any) func(q *bun.UpdateQuery) {
		return func(q *bun.UpdateQuery) { q.Set(sql, args...).Where("id = 1") }
	}
	return []hookCase{
		{name: "update of another column", do: update(length(9), pk("title")), want: before},
		{name: "update of the old column", do: update(length(9), pk("length")), want: "1: 9 s 9000 ms, 2: 5 s null ms"},
		{name: "update of the old column and another", do: update(length(9), pk("title", "length")), want: "1: 9 s 9000 ms, 2: 5 s null ms"},
		{name: "update of the new column", do: update(ms(9876), pk("length_ms")), want: "1: 9 s 9876 ms, 2: 5 s null ms"},
		{name: "update of the new column to null", do: update(loaded(func(h *Hooked) { h.LengthMS = nil }), pk("length_ms")), fail: "a part of one"},
		{name: "update of both listed", do: update(ms(3999), pk("length", "length_ms")), want: "1: 3 s 3999 ms, 2: 5 s null ms"},
		{name: "update of the whole row", do: update(ms(3999), pk()), want: "1: 3 s 3999 ms, 2: 5 s null ms"},
		{name: "update of a whole row that is not moved", do: update(&Hooked{ID: 2, Length: 6}, pk()), want: "1: 3 s 3456 ms, 2: 6 s 6000 ms"},
		{name: "update of the whole row, one side changed", do: update(length(9), pk()), fail: "do not go together"},
		{name: "update without the new column", do: update(length(9), func(q *bun.UpdateQuery) { q.ExcludeColumn("length_ms").WherePK() }), want: "1: 9 s 9000 ms, 2: 5 s null ms"},
		{name: "update without zeros", do: update(ms(876), func(q *bun.UpdateQuery) { q.OmitZero().WherePK() }), fail: "do not go together"},
		{name: "update without a zero of one side", do: update(loaded(func(h *Hooked) { h.Length, h.LengthMS = 0, new(int64(876)) }), func(q *bun.UpdateQuery) { q.OmitZero().WherePK() }), fail: "OmitZero"},
		{name: "update without zeros of neither", do: update(&Hooked{ID: 1, Title: "x"}, func(q *bun.UpdateQuery) { q.OmitZero().WherePK() }), want: before},
		{name: "expression of one side", do: update((*Hooked)(nil), set("length = length + 1")), fail: `set "length_ms" too`},
		{name: "expression of both", do: update((*Hooked)(nil), set("length = length + 1, length_ms = length_ms + 1000")), want: "1: 4 s 4456 ms, 2: 5 s null ms"},
		{name: "expression of neither", do: update((*Hooked)(nil), set("title = 'length = 1'")), want: before},
		{name: "expression with a model", do: update(length(0), set("length = ?", 0)), fail: `set "length_ms" too`},
		{name: "expressions with a model", do: update(length(0), set("length = ?, length_ms = ?", 0, 0)), want: "1: 0 s 0 ms, 2: 5 s null ms"},
		{name: "expression beside a column", do: update(length(9), func(q *bun.UpdateQuery) { q.Column("length").Set("length_ms = 1").WherePK() }), fail: "set both in the same way"},
		{name: "value in place of a field", do: update(length(3), func(q *bun.UpdateQuery) { q.Value("length", "length + 1").WherePK() }), fail: "set both in the same way"},
		{name: "set", do: update((*Hooked)(nil), func(q *bun.UpdateQuery) {
			c, err := dualread.New(hookedMove())
			if err == nil {
				q.Apply(c.Set(9876)).Where("id = 1")
			}
		}), want: "1: 9 s 9876 ms, 2: 5 s null ms"},
		{name: "bulk", do: update(&[]Hooked{*ms(9876), {ID: 2, Length: 6}}, func(q *bun.UpdateQuery) { q.Bulk() }), fail: "do not go together"},
		{name: "bulk of rows", do: update(&[]*Hooked{ms(3999), {ID: 2, Length: 6}}, func(q *bun.UpdateQuery) { q.Column("length", "length_ms").Bulk() }), want: "1: 3 s 3999 ms, 2: 6 s 6000 ms", bulk: true},
		{name: "bulk of one column", do: update(&[]Hooked{*length(9)}, func(q *bun.UpdateQuery) { q.Column("length").Bulk() }), fail: "before Bulk"},
		{name: "bulk of another column", do: update(&[]Hooked{*length(9)}, func(q *bun.UpdateQuery) { q.Column("title").Bulk() }), want: before, bulk: true},
	}
}

// No insert or update through the model forgets a side; what cannot be made whole is
// refused, and then nothing is written.
func TestHooksOfAModel(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		must(t, errOf(db.NewCreateTable().Model((*Hooked)(nil)).Exec(t.Context())))
		for _, tc := range append(insertCases(), updateCases()...) {
			exec(t, db, "DELETE FROM hooked")
			exec(t, db, "INSERT INTO hooked (id, title, length, length_ms) VALUES (1, '', 3, 3456), (2, '', 5, NULL)")
			_, err := tc.do(t.Context(), db)
			if tc.bulk && db.Dialect().Name() == dialect.MySQL && err != nil {
				continue
			}
			if tc.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fail) || !strings.Contains(err.Error(), `"length", "length_ms"`) {
					t.Errorf("%s: %v, want an error that says %q and names the columns", tc.name, err, tc.fail)
				}
				tc.want = before
			} else if err != nil {
				t.Errorf("%s: %v", tc.name, err)
				continue
			}
			if got := hookedRows(t, db); got != tc.want {
				t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
			}
		}
	})
}

func hookedRows(t *testing.T, db *bun.DB) string {
	t.Helper()
	var rows []Hooked
	must(t, db.NewSelect().Model(&rows).Order("id").Scan(t.Context()))
	texts := make([]string, len(rows))
	for i, h := range rows {
		texts[i] = fmt.Sprintf("%d: %d s %s ms", h.ID, h.Length, text(h.LengthMS))
	}
	return strings.Join(texts, ", ")
}
