package dualread_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// library is a database with rows before, in and after the move. What
// each phase reads of them, by title:
//
//	         moved  pending  ahead
//	old      3000   2000     1000
//	fallback 3456   2000     9000
//	new      3456   null     9000
func library(tb testing.TB) *bun.DB {
	tb.Helper()
	db := newDB(tb)
	insert(tb, db, &[]album{{ID: 1, Length: 50}, {ID: 2, Length: 60, LengthMS: new(int64(60000))}})
	insert(tb, db, &[]track{
		{AlbumID: 1, Title: "moved", Length: 3, LengthMS: new(int64(3456))},
		{AlbumID: 1, Title: "pending", Length: 2},
		{AlbumID: 2, Title: "ahead", Length: 1, LengthMS: new(int64(9000))},
	})
	return db
}

func TestExprListsFiltersAndSorts(t *testing.T) {
	t.Parallel()
	db := library(t)
	for phase, want := range map[dualread.Phase]struct{ sorted, filtered []string }{
		dualread.PhaseOld:      {[]string{"ahead", "pending", "moved"}, []string{"moved", "pending"}},
		dualread.PhaseFallback: {[]string{"pending", "moved", "ahead"}, []string{"ahead", "moved", "pending"}},
		dualread.PhaseCompare:  {[]string{"pending", "moved", "ahead"}, []string{"ahead", "moved", "pending"}},
		dualread.PhaseNew:      {[]string{"pending", "moved", "ahead"}, []string{"ahead", "moved"}},
	} {
		c := newColumn(t, lengthMove())
		setPhase(t, c, phase)
		titles := db.NewSelect().Model((*track)(nil)).Column("title")
		wantTitles(t, titles.Clone().OrderExpr("?", c.Expr()), want.sorted)
		wantTitles(t, titles.Clone().Where("? >= ?", c.Expr(), 2000).Order("title"), want.filtered)
	}
}

func TestExprInJoins(t *testing.T) {
	t.Parallel()
	db, c := library(t), newColumn(t, lengthMove())
	for name, q := range map[string]*bun.SelectQuery{
		"join with a table that has the same columns": db.NewSelect().Model((*track)(nil)).
			ColumnExpr("title").
			Join("JOIN albums AS album ON album.id = track.album_id").
			Where("? > 2000", c.Expr()),
		"query for another model": db.NewSelect().Model((*album)(nil)).
			ColumnExpr("title").
			Join("JOIN tracks AS track ON album.id = track.album_id").
			Where("? > 2000", c.Expr()),
		"query for no model, by an alias": db.NewSelect().TableExpr("tracks AS t").
			ColumnExpr("title").
			Join("JOIN albums AS a ON a.id = t.album_id").
			Where("? > 2000", c.ExprAs("t")),
		"query for no model, unqualified": db.NewSelect().TableExpr("tracks").
			ColumnExpr("title").
			Where("? > 2000", c.ExprAs("")),
		"self-join": db.NewSelect().Model((*track)(nil)).
			ColumnExpr("track.title AS title").
			Join("JOIN tracks AS other ON other.id = track.id").
			Where("? = ?", c.Expr(), c.ExprAs("other")).
			Where("? > 2000", c.ExprAs("other")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantTitles(t, q.OrderExpr("title"), []string{"ahead", "moved"})
		})
	}
}

func TestExprWithRelations(t *testing.T) {
	t.Parallel()
	db, c := library(t), newColumn(t, lengthMove())
	var tracks []track
	err := db.NewSelect().Model(&tracks).Relation("Album").Where("? = 3456", c.Expr()).Scan(t.Context())
	if err != nil || len(tracks) != 1 || c.Read(&tracks[0]) != 3456 || tracks[0].Album.Length != 50 {
		t.Errorf("tracks = %+v, error %v, want the one of 3456 ms and its album", tracks, err)
	}
	var albums []album
	err = db.NewSelect().Model(&albums).Relation("Opener").Where("? = 3456", c.ExprAs("opener")).Scan(t.Context())
	if err != nil || len(albums) != 1 || c.Read(albums[0].Opener) != 3456 {
		t.Errorf("albums = %+v, error %v, want the one with the track of 3456 ms", albums, err)
	}
}

func TestExprInUpdateAndDelete(t *testing.T) {
	t.Parallel()
	db, c := library(t), newColumn(t, lengthMove())
	if _, err := db.NewUpdate().Model((*track)(nil)).Set("title = 'long'").Where("? > 3000", c.Expr()).Exec(t.Context()); err != nil {
		t.Fatalf("update: %v", err)
	}
	wantTitles(t, db.NewSelect().Model((*track)(nil)).Column("title").Order("title"), []string{"long", "long", "pending"})
	if _, err := db.NewDelete().Model((*track)(nil)).Where("? > 3000", c.Expr()).Exec(t.Context()); err != nil {
		t.Fatalf("delete: %v", err)
	}
	wantTitles(t, db.NewSelect().Model((*track)(nil)).Column("title"), []string{"pending"})
}

func TestDualWriteSavesBothColumns(t *testing.T) {
	t.Parallel()
	for _, phase := range dualread.Phases() {
		db, c := newDB(t), newColumn(t, lengthMove())
		setPhase(t, c, phase)

		row := &track{Title: "kept"}
		c.Write(row, 4321)
		insert(t, db, row)
		wantLengths(t, db, 4, 4321)

		row.Title = "not to be saved"
		c.Write(row, 0)
		if _, err := db.NewUpdate().Model(row).Column(c.Columns()...).WherePK().Exec(t.Context()); err != nil {
			t.Fatalf("update: %v", err)
		}
		wantLengths(t, db, 0, 0)

		rows := []track{*row}
		c.Write(&rows[0], 8765)
		if _, err := db.NewUpdate().Model(&rows).Column(c.Columns()...).Bulk().Exec(t.Context()); err != nil {
			t.Fatalf("bulk update: %v", err)
		}
		wantLengths(t, db, 8, 8765)
		wantTitles(t, db.NewSelect().Model((*track)(nil)).Column("title"), []string{"kept"})
	}
}

// wantLengths compares both columns of the only track.
func wantLengths(tb testing.TB, db *bun.DB, seconds, ms int64) {
	tb.Helper()
	var row track
	if err := db.NewSelect().Model(&row).Scan(tb.Context()); err != nil {
		tb.Fatalf("select: %v", err)
	}
	want := struct{ S, MS *int64 }{&seconds, &ms}
	if diff := cmp.Diff(want, struct{ S, MS *int64 }{&row.Length, row.LengthMS}); diff != "" {
		tb.Errorf("saved (-want +got):\n%s", diff)
	}
}

func wantTitles(tb testing.TB, q *bun.SelectQuery, want []string) {
	tb.Helper()
	var got []string
	if err := q.Scan(tb.Context(), &got); err != nil {
		tb.Fatalf("%s: %v", q, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", q, diff)
	}
}
