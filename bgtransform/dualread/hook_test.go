package dualread_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Which side wins, where both are set and do not go together, is what Wins says.
func TestHooksLetASideWin(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for side, want := range map[dualread.Side]string{dualread.Neither: "refused", dualread.OldSide: "9 s 9000 ms", dualread.NewSide: "3 s 3456 ms"} {
		for what, hook := range map[string]func(dualread.Move[track, int64], *track) error{
			"insert": func(m dualread.Move[track, int64], row *track) error {
				return m.BeforeInsert(t.Context(), db.NewInsert().Model(row))
			},
			"update": func(m dualread.Move[track, int64], row *track) error {
				return m.BeforeUpdate(t.Context(), db.NewUpdate().Model(row).WherePK())
			},
		} {
			move := lengthMove()
			move.Wins = side
			row := &track{ID: 1, Length: 9, LengthMS: new(int64(3456))}
			got := "refused"
			if err := hook(move, row); err == nil {
				got = fmt.Sprintf("%d s %d ms", row.Length, *row.LengthMS)
			}
			if got != want {
				t.Errorf("%s with side %d: %s, want %s", what, side, got, want)
			}
		}
	}
}

// A value that is taken away from the old columns is taken away from the new one.
func TestHooksTakeAValueAway(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	row := &entry{ID: 1, Select: new(int64(5))}
	q := db.NewUpdate().Model(row).Column("order", "from").WherePK()
	if err := entryMove().BeforeUpdate(t.Context(), q); err != nil || row.Select != nil {
		t.Errorf("BeforeUpdate: %v and %+v, want the new column null", err, row)
	}
	const want = `UPDATE "table" AS "group" SET "order" = NULL, "from" = NULL, "select" = NULL WHERE ("group"."where" = 1)`
	if got := q.String(); got != want {
		t.Errorf("the update is\n%s, want\n%s", got, want)
	}
}

// A part of a value that has several columns says nothing about the other side.
func TestHooksRefuseAPartOfASide(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	row := &entry{ID: 1, Order: new(int64(1)), From: new(int64(5))}
	err := entryMove().BeforeUpdate(t.Context(), db.NewUpdate().Model(row).Column("order").WherePK())
	if err == nil || !strings.Contains(err.Error(), `"order", "from", "select"`) {
		t.Errorf("BeforeUpdate = %v, want an error that names the columns", err)
	}
}

// Songs is a model whose inserts and updates forget no side.
type Songs struct {
	bun.BaseModel `bun:"table:songs,alias:songs"`

	ID       int64  `bun:",pk"`
	Length   int64  // seconds, to be dropped
	LengthMS *int64 `bun:"length_ms"`
}

// SongLength is the move of their length.
func SongLength() dualread.Move[Songs, int64] {
	return dualread.Move[Songs, int64]{
		Name:       "song-length-ms",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Old:        func(s *Songs) (int64, bool) { return s.Length * 1000, true },
		New: func(s *Songs) (int64, bool) {
			if s.LengthMS == nil {
				return 0, false
			}
			return *s.LengthMS, true
		},
		SetOld: func(s *Songs, ms int64) { s.Length = ms / 1000 },
		SetNew: func(s *Songs, ms int64) { s.LengthMS = &ms },
	}
}

// BeforeInsert is called by bun.
func (*Songs) BeforeInsert(ctx context.Context, q *bun.InsertQuery) error {
	return SongLength().BeforeInsert(ctx, q)
}

// BeforeUpdate is called by bun.
func (*Songs) BeforeUpdate(ctx context.Context, q *bun.UpdateQuery) error {
	return SongLength().BeforeUpdate(ctx, q)
}

// With two methods of the model, code that knows one column only writes both.
func ExampleMove_BeforeUpdate() {
	db := openDB()
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	if _, err := db.NewCreateTable().Model((*Songs)(nil)).Exec(ctx); err != nil {
		fmt.Println(err)
	}

	song := &Songs{ID: 1, Length: 215} // by code that was never changed
	if _, err := db.NewInsert().Model(song).Exec(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("inserted:", song.Length, "s,", *song.LengthMS, "ms")

	song.Length = 300
	if _, err := db.NewUpdate().Model(song).Column("length").WherePK().Exec(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("updated:", song.Length, "s,", *song.LengthMS, "ms")

	_, err := db.NewUpdate().Model((*Songs)(nil)).Set("length = length + 1").Where("id = 1").Exec(ctx)
	fmt.Println(err)
	// Output:
	// inserted: 215 s, 215000 ms
	// updated: 300 s, 300000 ms
	// dualread: move "song-length-ms": the update of songs sets one side only, by an expression that cannot be converted, of columns "length", "length_ms": set "length_ms" too: Column.Set does it for a value
}
