package dualread_test

import (
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Go and the database agree about which rows wait to be moved.
func TestPendingAgreesWithOldAndNew(t *testing.T) {
	t.Parallel()
	byHasOld := entryMove()
	byHasOld.Forward, byHasOld.HasOld = nil, "?0 IS NOT NULL AND ?1 IS NOT NULL"
	anyOld := entryMove()
	anyOld.Forward = nil
	anyOld.Old = func(e *entry) (*int64, bool) { return nil, e.Order != nil || e.From != nil }
	for name, move := range map[string]dualread.Move[entry, *int64]{
		"by Forward": entryMove(), "by HasOld": byHasOld, "by the old columns": anyOld,
	} {
		db := newDB(t)
		rows := randomEntries(200)
		insert(t, db, &rows)
		c := newColumn(t, move)
		pending, moved := ids(t, db, c.Pending()), ids(t, db, c.Moved())
		some := 0
		for _, row := range rows {
			_, isOld := move.Old(&row)
			_, isNew := move.New(&row)
			if want := isOld && !isNew; pending[row.ID] != want {
				t.Errorf("%s: row %+v is pending in SQL: %t, want %t", name, row, pending[row.ID], want)
			}
			if moved[row.ID] != isNew {
				t.Errorf("%s: row %+v is moved in SQL: %t, want %t", name, row, moved[row.ID], isNew)
			}
			if pending[row.ID] {
				some++
			}
		}
		if some == 0 || some == len(rows) {
			t.Errorf("%s: %d of %d rows are pending, which shows nothing", name, some, len(rows))
		}
	}
}

func ids(tb testing.TB, db *bun.DB, cond schema.QueryAppender) map[int64]bool {
	tb.Helper()
	var found []entry
	if err := db.NewSelect().Model(&found).Where("?", cond).Scan(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	set := map[int64]bool{}
	for _, row := range found {
		set[row.ID] = true
	}
	return set
}

func TestConditionText(t *testing.T) {
	t.Parallel()
	c := newColumn(t, lengthMove())
	wantSQL(t, c.Pending(), `("track"."length_ms" IS NULL) AND (("track"."length" * 1000) IS NOT NULL)`)
	wantSQL(t, c.Moved(), `NOT ("track"."length_ms" IS NULL)`)
	wantSQL(t, c.Forward()[0], `("track"."length" * 1000)`)
	wantSQL(t, c.Backward()[0], `("track"."length_ms" / 1000)`)

	ruled := lengthMove()
	ruled.HasOld = "? > 0"
	c = newColumn(t, ruled)
	wantSQL(t, c.Pending(), `("track"."length_ms" IS NULL) AND ("track"."length" > 0)`)
	wantSQL(t, c.Forward()[0], `CASE WHEN ("track"."length" > 0) THEN ("track"."length" * 1000) END`)

	bare := lengthMove()
	bare.Forward, bare.Backward = nil, nil
	c = newColumn(t, bare)
	wantSQL(t, c.Pending(), `("track"."length_ms" IS NULL) AND ("track"."length" IS NOT NULL)`)
	if c.Forward() != nil || c.Backward() != nil {
		t.Error("there are expressions that nobody has written")
	}
}
