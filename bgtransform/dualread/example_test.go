package dualread_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Track is a model in the middle of a move.
type Track struct {
	ID       int64  `bun:",pk,autoincrement"`
	Length   int64  // seconds, to be dropped
	LengthMS *int64 `bun:"length_ms"` // milliseconds, null until moved
}

// TrackLength is all that there is to know about the move.
func TrackLength() dualread.Move[Track, int64] {
	return dualread.Move[Track, int64]{
		Name:       "track-length-ms",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"}, // agrees with Old
		Backward:   []string{"? / 1000"}, // agrees with SetOld
		Old:        func(t *Track) (int64, bool) { return t.Length * 1000, true },
		New: func(t *Track) (int64, bool) {
			if t.LengthMS == nil {
				return 0, false
			}
			return *t.LengthMS, true
		},
		SetOld: func(t *Track, ms int64) { t.Length = ms / 1000 },
		SetNew: func(t *Track, ms int64) { t.LengthMS = &ms },
	}
}

func ExampleNew() {
	length, err := dualread.New(TrackLength())
	if err != nil {
		fmt.Println(err)
		return
	}
	row := &Track{Length: 215} // as it was loaded: not moved yet
	fmt.Println("before:", length.Read(row), "ms")

	length.Write(row, 215_400) // then db.NewUpdate().Model(row).Column(length.Columns()...)
	fmt.Println("after:", length.Read(row), "ms, saved as", length.Columns())
	fmt.Println("in the old column:", row.Length, "s")

	stats := length.Stats()
	fmt.Println("phase:", stats.Phase, "fallbacks:", stats.Fallbacks)
	// Output:
	// before: 215000 ms
	// after: 215400 ms, saved as [length length_ms]
	// in the old column: 215 s
	// phase: fallback fallbacks: 1
}

func ExampleColumn_Expr() {
	sqldb, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	db := bun.NewDB(sqldb, sqlitedialect.New())
	defer func() { _ = db.Close() }()
	length, err := dualread.New(TrackLength())
	if err != nil {
		fmt.Println(err)
		return
	}

	ms := length.Expr()
	fmt.Println(db.NewSelect().Model((*Track)(nil)).
		ColumnExpr("? AS ms", ms).
		Where("? >= ?", ms, 180_000).
		OrderExpr("? DESC", ms))

	if err := length.SetPhase(dualread.PhaseNew); err != nil {
		fmt.Println(err)
	}
	fmt.Println(db.NewSelect().Model((*Track)(nil)).Column("id").OrderExpr("?", length.Expr()))
	// Output:
	// SELECT COALESCE("track"."length_ms", ("track"."length" * 1000)) AS ms FROM "tracks" AS "track" WHERE (COALESCE("track"."length_ms", ("track"."length" * 1000)) >= 180000) ORDER BY COALESCE("track"."length_ms", ("track"."length" * 1000)) DESC
	// SELECT "track"."id" FROM "tracks" AS "track" ORDER BY "track"."length_ms"
}

// A misspelt column is found before the first request.
func ExampleColumn_Check() {
	sqldb, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	db := bun.NewDB(sqldb, sqlitedialect.New())
	defer func() { _ = db.Close() }()

	move := TrackLength()
	move.NewColumns = []string{"length_msec"}
	length, err := dualread.New(move)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(length.Check(db))
	// Output:
	// dualread: move "track-length-ms": column "length_msec" is not in the model; model Track has id, length, length_ms
}

func ExampleParsePhase() {
	phase, err := dualread.ParsePhase("old")
	fmt.Println(phase, err)
	_, err = dualread.ParsePhase("newer")
	fmt.Println(err)
	// Output:
	// old <nil>
	// dualread: unknown phase "newer": valid are old, fallback, compare and new
}

// printing stands for a test: an app's tests set Raise to their *testing.T.
type printing struct{}

func (printing) Helper() {}

func (printing) Errorf(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}

// In PhaseCompare the values of both columns are compared. What a dual write leaves
// in whole seconds is no mismatch; what somebody wrote to one column only is one.
func ExampleComparison() {
	move := TrackLength()
	move.Phase = dualread.PhaseCompare
	move.Compare = dualread.Comparison[Track, int64]{
		Share: 0.01, // one read in a hundred, beside the request
		Key:   func(t *Track) string { return fmt.Sprint(t.ID) },
		OnMismatch: func(m dualread.Mismatch) {
			// slog.Warn("columns differ", "move", m.Move, "track", m.Key)
		},
		Raise: printing{}, // in a test: t
	}
	length, err := dualread.New(move)
	if err != nil {
		fmt.Println(err)
		return
	}
	row := &Track{ID: 7}
	length.Write(row, 215_400)
	fmt.Println(length.Read(row))
	row.Length = 300 // by code that does not know the new column
	fmt.Println(length.Read(row))

	stats := length.Stats()
	fmt.Println("compared:", stats.Compared, "mismatches:", stats.Mismatches)
	// Output:
	// 215400
	// dualread: move "track-length-ms": the old and the new value of a row do not go together (key "7")
	// 215400
	// compared: 2 mismatches: 1
}

// A new value that is in another place is read beside the request, within a budget.
func ExampleColumn_Compare() {
	move := TrackLength()
	move.Phase, move.Compare.Raise = dualread.PhaseCompare, printing{}
	length, err := dualread.New(move)
	if err != nil {
		fmt.Println(err)
		return
	}
	lengthService := func(context.Context, int64) (int64, error) { return 215_400, nil }

	row := &Track{ID: 7, Length: 215}
	length.Compare(context.Background(), row, func(ctx context.Context) (int64, error) {
		return lengthService(ctx, row.ID)
	})
	fmt.Println("mismatches:", length.Stats().Mismatches)
	// Output: mismatches: 0
}

// What a row's functions say is one table test of rows that are hard to convert.
func ExampleColumn_Sides() {
	length, err := dualread.New(TrackLength())
	if err != nil {
		fmt.Println(err)
		return
	}
	ms, other := int64(215_400), int64(99_000)
	for _, row := range []*Track{{Length: 215}, {Length: 215, LengthMS: &ms}, {Length: 215, LengthMS: &other}} {
		s := length.Sides(row)
		fmt.Println("moved:", s.New, "equal:", s.Equal, "together:", s.Together)
	}
	// Output:
	// moved: false equal: false together: false
	// moved: true equal: false together: true
	// moved: true equal: false together: false
}
