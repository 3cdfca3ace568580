package dualread_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// guarded has columns that bun leaves out of some writes.
type guarded struct {
	ID     int64  `bun:",pk"`
	Code   string `bun:",pk"`
	Kept   string
	Seen   string `bun:",scanonly"`
	Frozen string `bun:",skipupdate"`
	Other  string `bun:"other,alt:nick,nullzero"`
	Plain  string
}

func guardedMove(old, next string) dualread.Move[guarded, string] {
	return dualread.Move[guarded, string]{
		Name:       "guarded",
		OldColumns: []string{old},
		NewColumns: []string{next},
		Old:        func(g *guarded) (string, bool) { return g.Kept, true },
		New:        func(g *guarded) (string, bool) { return g.Other, g.Other != "" },
		SetOld:     func(g *guarded, v string) { g.Kept = v },
		SetNew:     func(g *guarded, v string) { g.Other = v },
	}
}

func TestCheckTakesAMoveOfTheModel(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	if err := newColumn(t, lengthMove()).Check(db); err != nil {
		t.Errorf("Check(db) = %v", err)
	}
	err := db.RunInTx(t.Context(), nil, func(_ context.Context, tx bun.Tx) error {
		return newColumn(t, entryMove()).Check(tx)
	})
	if err != nil {
		t.Errorf("Check(tx) = %v", err)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	const has = "; model Guarded has id, code, kept, frozen, other, plain"
	for name, tc := range map[string]struct{ old, next, want string }{
		"both misspelt": {"Kept", "othr", `column "Kept" is not in the model; column "othr" is not in the model`},
		"alternative":   {"kept", "nick", `column "nick" is not in the model`},
		"key":           {"code", "other", `column "code" is in the primary key, which bun leaves out of updates`},
		"scanonly":      {"kept", "seen", `column "seen" is tagged "scanonly", so bun leaves it out of inserts`},
		"without null":  {"kept", "plain", `column "plain" cannot be null in the model, which says of a row that it is not moved: make its field a pointer, or tag it nullzero`},
		"skipupdate":    {"kept", "frozen", `column "frozen" is tagged "skipupdate", so bun leaves it out of updates`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newColumn(t, guardedMove(tc.old, tc.next)).Check(db)
			want := `dualread: move "guarded": ` + tc.want + has
			if err == nil || err.Error() != want {
				t.Errorf("Check error:\n got %v\nwant %s", err, want)
			}
		})
	}
}
