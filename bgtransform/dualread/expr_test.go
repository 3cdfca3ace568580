package dualread_test

import (
	"testing"

	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

func TestExprText(t *testing.T) {
	t.Parallel()
	length, value := newColumn(t, lengthMove()), newColumn(t, entryMove())
	rename := lengthMove()
	rename.Forward = []string{"?"}
	renamed := newColumn(t, rename)
	for _, tc := range []struct {
		phase                  dualread.Phase
		length, value, renamed string
	}{
		{
			dualread.PhaseOld,
			`("track"."length" * 1000)`,
			`("group"."order" * 10 + "group"."from" + "group"."order")`,
			`("track"."length")`,
		},
		{
			dualread.PhaseFallback,
			`COALESCE("track"."length_ms", ("track"."length" * 1000))`,
			`COALESCE("group"."select", ("group"."order" * 10 + "group"."from" + "group"."order"))`,
			`COALESCE("track"."length_ms", ("track"."length"))`,
		},
		{
			dualread.PhaseCompare,
			`COALESCE("track"."length_ms", ("track"."length" * 1000))`,
			`COALESCE("group"."select", ("group"."order" * 10 + "group"."from" + "group"."order"))`,
			`COALESCE("track"."length_ms", ("track"."length"))`,
		},
		{dualread.PhaseNew, `"track"."length_ms"`, `"group"."select"`, `"track"."length_ms"`},
	} {
		setPhase(t, length, tc.phase)
		setPhase(t, value, tc.phase)
		setPhase(t, renamed, tc.phase)
		wantSQL(t, length.Expr(), tc.length)
		wantSQL(t, value.Expr(), tc.value)
		wantSQL(t, renamed.Expr(), tc.renamed)
	}
}

func TestExprAsText(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	wantSQL(t, c.ExprAs("t"), `COALESCE("t"."length_ms", ("t"."length" * 1000))`)
	wantSQL(t, c.ExprAs(`a"b`), `COALESCE("a""b"."length_ms", ("a""b"."length" * 1000))`)
	wantSQL(t, c.ExprAs(""), `COALESCE("length_ms", ("length" * 1000))`)
}

func TestExprKeepsThePhaseItWasMadeIn(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	setPhase(t, c, dualread.PhaseNew)
	e := c.Expr()
	setPhase(t, c, dualread.PhaseOld)
	wantSQL(t, e, `"track"."length_ms"`)
}

func TestExprQuotesOddColumnNames(t *testing.T) {
	t.Parallel()
	move := lengthMove()
	move.OldColumns, move.NewColumns = []string{`le"ng?th`}, []string{"length.ms"}
	c := newColumn(t, move)
	wantSQL(t, c.ExprAs("t"), `COALESCE("t"."length.ms", ("t"."le""ng?th" * 1000))`)
}

// bun takes a struct that is the only argument of a query for a model.
func TestExprIsNotTakenForAModel(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	c := newColumn(t, lengthMove())
	_ = db.NewSelect().Model((*track)(nil)).Where("? > 0", c.Expr()).Order("id").String()
	known := len(db.Dialect().Tables().All())
	_ = db.NewSelect().Model((*track)(nil)).Where("? > 0", c.ExprAs("t")).OrderExpr("?", c.Expr()).String()
	if got := len(db.Dialect().Tables().All()); got != known || got != 4 {
		t.Errorf("bun knows %d models after a query, %d before, want the 4 of the test", got, known)
	}
}

func wantSQL(tb testing.TB, e schema.QueryAppender, want string) {
	tb.Helper()
	b, err := e.AppendQuery(schema.NewQueryGen(sqlitedialect.New()), nil)
	if err != nil || string(b) != want {
		tb.Errorf("SQL:\n got %s (error %v)\nwant %s", b, err, want)
	}
}
