package bgtransform_test

import (
	"context"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The app edits rows between our read and our write: what it wrote survives,
// and rows that it left pending are transformed from what it wrote.
func TestI3NoLostUpdate(t *testing.T) {
	t.Parallel()
	edits := map[int64]string{
		3: "UPDATE tracks SET length = 7777 WHERE id = 3",                                    // an old instance: only the old column
		4: "UPDATE tracks SET length = 8, length_ms = 8250 WHERE id = 4",                     // a dual write
		5: "DELETE FROM tracks WHERE id = 5",                                                 // gone
		6: "UPDATE tracks SET title = 'changed by the user' WHERE id = 6",                    // a column that we do not read
		7: "UPDATE tracks SET length = NULL WHERE id = 7",                                    // to null
		8: "UPDATE tracks SET length = 8, length_ms = NULL WHERE id = 8",                     // same bytes: nothing to lose
		9: "DELETE FROM tracks WHERE id = 9; INSERT INTO tracks VALUES (9, 'new', 99, NULL)", // another row under the key
	}
	db := newDB(t, 10)
	r := toMS("x")
	each := r.Each
	var once sync.Map
	r.Each = func(ctx context.Context, m *Track) error {
		if _, done := once.LoadOrStore(m.ID, true); !done && edits[m.ID] != "" {
			exec(t, db, edits[m.ID])
		}
		return each(ctx, m)
	}
	st := start(t, db, quick(t), r).untilState("x", bgtransform.StateComplete)

	want := map[int64]int64{1: 1000, 2: 2000, 3: 7777000, 4: 8250, 6: 6000, 7: 0, 8: 8000, 9: 99000, 10: 10000}
	var tracks []Track
	must(t, db.NewSelect().Model(&tracks).OrderExpr("id").Scan(t.Context()))
	if len(tracks) != len(want) {
		t.Fatalf("got %d rows, want %d: a deleted row must not come back", len(tracks), len(want))
	}
	for _, tr := range tracks {
		if tr.LengthMS == nil || *tr.LengthMS != want[tr.ID] {
			t.Errorf("track %d: length_ms is %v, want %d", tr.ID, tr.LengthMS, want[tr.ID])
		}
	}
	if tracks[4].Title != "changed by the user" {
		t.Errorf("track 6: title is %q: a column that is not written was overwritten", tracks[4].Title)
	}
	if st.Moved != 5 {
		t.Errorf("moved is %d, want 5 (tracks 3, 4, 5, 7 and 9)", st.Moved)
	}
}

// Word has a text whose collation takes different bytes for equal.
type Word struct {
	bun.BaseModel `bun:"table:words,alias:word"`

	ID    string `bun:"id,pk"`
	Text  string `bun:"text"`
	Shout string `bun:"shout,nullzero"`
}

// Equal means equal bytes, whatever the column's collation says.
func TestI3NoLostUpdateCollation(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	exec(t, db, "CREATE TABLE words (id TEXT PRIMARY KEY COLLATE NOCASE, text TEXT COLLATE NOCASE, shout TEXT)")
	exec(t, db, "INSERT INTO words VALUES ('a', 'quiet', NULL)")
	edited := false
	r := bgtransform.Rows[Word]{
		Name: "shout", Pending: "shout IS NULL", Reads: []string{"text"}, Writes: []string{"shout"},
		Each: func(_ context.Context, w *Word) error {
			if !edited {
				edited = true
				exec(t, db, "UPDATE words SET text = 'QuIeT'")
			}
			w.Shout = w.Text + "!"
			return nil
		},
	}
	start(t, db, quick(t), r).untilState("shout", bgtransform.StateComplete)
	var got string
	must(t, db.QueryRowContext(t.Context(), "SELECT shout FROM words").Scan(&got))
	if got != "QuIeT!" {
		t.Errorf("shout is %q, want %q: an edit that the collation calls equal was lost", got, "QuIeT!")
	}
}
