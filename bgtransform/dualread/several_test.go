package dualread_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// people are before, in and after the move; Cher has no last name.
func people(tb testing.TB) *bun.DB {
	tb.Helper()
	db := newDB(tb)
	insert(tb, db, &[]person{
		{Full: new("Ada Lovelace")},
		{Full: new("Cher")},
		{},
		{Full: new("Cher"), First: new("Cher")},
		{Full: new("old"), First: new("Jo"), Last: new("Bach")},
	})
	return db
}

// Read and SQL agree about each part of a value of several columns, in every phase,
// also where a part is null though the row was moved.
func TestSeveralColumnsAreReadAlike(t *testing.T) {
	t.Parallel()
	db, c := people(t), newColumn(t, nameMove())
	for _, phase := range dualread.Phases() {
		setPhase(t, c, phase)
		var rows []struct {
			person `bun:",extend"`
			A      *string `bun:"a,scanonly"`
			B      *string `bun:"b,scanonly"`
		}
		err := db.NewSelect().Model(&rows).ColumnExpr("?TableColumns").
			ColumnExpr("? AS a", c.Expr("first_name")).ColumnExpr("? AS b", c.ExprAs("person", "last_name")).Order("id").Scan(t.Context())
		if err != nil || len(rows) != 5 {
			t.Fatalf("%v: %d rows, %v", phase, len(rows), err)
		}
		for _, row := range rows {
			if got, want := (fullName{text(row.A), text(row.B)}), c.Read(&row.person); got != want {
				t.Errorf("%v, row %d: SQL reads %+v, Read %+v", phase, row.ID, got, want)
			}
		}
	}
}

func TestSeveralColumnsAreWrittenTogether(t *testing.T) {
	t.Parallel()
	db, c := people(t), newColumn(t, nameMove())
	if err := c.Check(db); err != nil {
		t.Error(err)
	}
	row := &person{ID: 1}
	c.Write(row, fullName{"Grace", "Hopper"})
	if _, err := db.NewUpdate().Model(row).Column(c.Columns()...).WherePK().Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := db.NewUpdate().Model((*person)(nil)).Apply(c.Set(fullName{First: "Q"})).Where("id = 2").Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []person
	if err := db.NewSelect().Model(&got).Where("id < 3").Order("id").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	texts := fmt.Sprint(text(got[0].Full), "/", text(got[0].First), "/", text(got[0].Last), " ", text(got[1].Full), "/", text(got[1].First), "/", got[1].Last == nil)
	if want := "Grace Hopper/Grace/Hopper Q/Q/true"; texts != want {
		t.Errorf("saved %s, want %s", texts, want)
	}
}

// A query that asks for what there is not says so in its text, as bun does it, and
// the database refuses it.
func TestExprSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	db, several := people(t), newColumn(t, nameMove())
	bare := nameMove()
	bare.Forward = nil
	for want, e := range map[string]*bun.SelectQuery{
		"want one of the columns first_name, last_name": db.NewSelect().Model((*person)(nil)).ColumnExpr("?", several.Expr()),
		"want one of the columns":                       db.NewSelect().Model((*person)(nil)).ColumnExpr("?", several.Expr("full_name")),
		"Forward is missing":                            db.NewSelect().Model((*person)(nil)).ColumnExpr("?", newColumn(t, bare).Expr("last_name")),
	} {
		if got := e.String(); !strings.Contains(got, want) {
			t.Errorf("the query is %s, want it to say %q", got, want)
		}
		if _, err := e.Exec(t.Context()); err == nil {
			t.Errorf("a query whose text says %q has run", want)
		}
	}
}

func ExampleColumn_ReadAll() {
	length, err := dualread.New(TrackLength())
	if err != nil {
		fmt.Println(err)
		return
	}
	tracks := []Track{{Length: 215}, {Length: 90, LengthMS: new(int64(90_500))}} // as they were loaded
	fmt.Println(length.ReadAll(tracks))
	// Output: [215000 90500]
}
