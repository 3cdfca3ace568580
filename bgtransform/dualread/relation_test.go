package dualread_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Book has a length that moves to the table of its Extras.
type Book struct {
	ID     int64   `bun:",pk"`
	Pages  int64   // to be dropped
	Extras *Extras `bun:"rel:has-one,join:id=book_id"`
	Other  *Book   `bun:"rel:belongs-to,join:pages=id"`
	Notes  *Note   `bun:"rel:has-one,join:pages=id"`
}

// Extras has a row for each book that was moved.
type Extras struct {
	bun.BaseModel `bun:"table:book_extras"`

	BookID int64  `bun:",pk"`
	Sheets *int64 // null until moved
}

// Note joins by something else than the book's key.
type Note struct {
	ID int64 `bun:",pk"`
}

// BookSheets moves the number of pages, as sheets, to another table.
func BookSheets() dualread.Move[Book, int64] {
	return dualread.Move[Book, int64]{
		Name:        "book-sheets",
		OldColumns:  []string{"pages"},
		NewColumns:  []string{"sheets"},
		NewRelation: "Extras",
		Forward:     []string{"? / 2"},
		Backward:    []string{"? * 2"},
		Old:         func(b *Book) (int64, bool) { return b.Pages / 2, true },
		New: func(b *Book) (int64, bool) {
			if b.Extras == nil || b.Extras.Sheets == nil {
				return 0, false
			}
			return *b.Extras.Sheets, true
		},
		SetOld: func(b *Book, sheets int64) { b.Pages = sheets * 2 },
		SetNew: func(b *Book, sheets int64) { b.Extras = &Extras{Sheets: &sheets} },
	}
}

func TestAnotherTableInSQL(t *testing.T) {
	t.Parallel()
	db, c := newDB(t), newColumn(t, BookSheets())
	if err := c.Check(db); err != nil {
		t.Error(err)
	}
	const new = `(SELECT "bgt_new"."sheets" FROM "book_extras" AS "bgt_new" WHERE "bgt_new"."book_id" = "book"."id")`
	wantSQL(t, c.Expr(), `COALESCE(`+new+`, ("book"."pages" / 2))`)
	wantSQL(t, c.Pending(), `(`+new+` IS NULL) AND (("book"."pages" / 2) IS NOT NULL)`)
	wantSQL(t, c.Backward()[0], `(`+new+` * 2)`)
	wantSQL(t, c.New()[0], new)
	setPhase(t, c, dualread.PhaseNew)
	wantSQL(t, c.ExprAs("b"), strings.ReplaceAll(new, `"book"."id"`, `"b"."id"`))
	if got := db.NewSelect().Model((*Book)(nil)).ColumnExpr("?", c.ExprAs("")).String(); !strings.Contains(got, "want an alias") {
		t.Errorf("without an alias the column of the other table may be meant: %s", got)
	}
}

func TestAnotherTableIsChecked(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for want, change := range map[string]func(*dualread.Move[Book, int64]){
		"is no relation":               func(m *dualread.Move[Book, int64]) { m.NewRelation = "extras" },
		"is not tagged rel:has-one":    func(m *dualread.Move[Book, int64]) { m.NewRelation = "Other" },
		"must join the primary key":    func(m *dualread.Move[Book, int64]) { m.NewRelation = "Notes" },
		`"length" is not in the model`: func(m *dualread.Move[Book, int64]) { m.NewColumns = []string{"length"} },
		"model Extras has":             func(m *dualread.Move[Book, int64]) { m.NewColumns = []string{"pages"} },
	} {
		move := BookSheets()
		change(&move)
		if err := newColumn(t, move).Check(db); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v, want an error that says %q", err, want)
		}
	}
	book := &Book{ID: 1}
	if err := newColumn(t, lengthMove()).SaveNew(t.Context(), db, &track{}); err == nil {
		t.Error("SaveNew of a move within a table is nil")
	}
	if _, err := db.NewUpdate().Model(book).Apply(newColumn(t, BookSheets()).Set(1)).WherePK().Exec(t.Context()); err == nil {
		t.Error("Set of a column of another table is nil")
	}
}

// A value moves to another table: both are written in one transaction, the row of
// the model first.
func ExampleColumn_SaveNew() {
	db := openDB()
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	for _, model := range []any{(*Book)(nil), (*Extras)(nil)} {
		if _, err := db.NewCreateTable().Model(model).Exec(ctx); err != nil {
			fmt.Println(err)
		}
	}
	sheets, err := dualread.New(BookSheets())
	if err != nil {
		fmt.Println(err)
		return
	}
	books := []Book{{ID: 1, Pages: 300}, {ID: 2, Pages: 90}}
	if _, err := db.NewInsert().Model(&books).Exec(ctx); err != nil {
		fmt.Println(err)
	}

	book := &Book{ID: 2}
	sheets.Write(book, 46)
	err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model(book).Column(sheets.Columns()...).WherePK().Exec(ctx); err != nil {
			return err
		}
		return sheets.SaveNew(ctx, tx, book)
	})
	if err != nil {
		fmt.Println(err)
	}

	var loaded []Book
	if err := db.NewSelect().Model(&loaded).Relation("Extras").OrderExpr("? DESC", sheets.Expr()).Scan(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sheets.ReadAll(loaded), "of which", sheets.Stats().Fallbacks, "not moved yet")
	// Output: [150 46] of which 1 not moved yet
}
