package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Piece is a table with three columns on the move.
type Piece struct {
	bun.BaseModel `bun:"table:pieces,alias:piece"`

	ID       int64   `bun:"id,pk"`
	Length   *int64  `bun:"length"`
	LengthMS *int64  `bun:"length_ms"`
	Label    string  `bun:"label"`
	Caption  *string `bun:"caption"`
	FullName *string `bun:"full_name"`
	First    *string `bun:"first_name"`
	Last     *string `bun:"last_name"`
}

// value reads what a pointer points at.
func value[T any](p *T) (v T, ok bool) {
	if p != nil {
		v, ok = *p, true
	}
	return v, ok
}

// text is the text of what a pointer points at.
func text[T any](p *T) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}

// pieceLength moves seconds to milliseconds, which is not lossless.
func pieceLength() dualread.Move[Piece, int64] {
	return dualread.Move[Piece, int64]{
		Name:       "piece-length",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},
		Backward:   []string{"(?0 - ?0 % 1000) / 1000"}, // / is not the same on MariaDB
		Old:        func(p *Piece) (int64, bool) { s, ok := value(p.Length); return s * 1000, ok },
		New:        func(p *Piece) (int64, bool) { return value(p.LengthMS) },
		SetOld:     func(p *Piece, ms int64) { p.Length = new(ms / 1000) },
		SetNew:     func(p *Piece, ms int64) { p.LengthMS = new(ms) },
	}
}

// pieceCaption renames a text, in which letters count.
func pieceCaption() dualread.Move[Piece, string] {
	return dualread.Move[Piece, string]{
		Name:       "piece-caption",
		OldColumns: []string{"label"},
		NewColumns: []string{"caption"},
		Forward:    []string{"?"},
		Backward:   []string{"?"},
		HasOld:     "? <> ''",
		Old:        func(p *Piece) (string, bool) { return p.Label, p.Label != "" },
		New:        func(p *Piece) (string, bool) { return value(p.Caption) },
		SetOld:     func(p *Piece, v string) { p.Label = v },
		SetNew:     func(p *Piece, v string) { p.Caption = new(v) },
	}
}

// fullName is the value of two new columns.
type fullName struct{ First, Last string }

// pieceName makes two columns of one, by Go code: SQL says only how they are put
// together again.
func pieceName() dualread.Move[Piece, fullName] {
	return dualread.Move[Piece, fullName]{
		Name:       "piece-name",
		OldColumns: []string{"full_name"},
		NewColumns: []string{"first_name", "last_name"},
		Backward:   []string{"CONCAT_WS(' ', ?, ?)"},
		Old: func(p *Piece) (fullName, bool) {
			whole, ok := value(p.FullName)
			first, last, _ := strings.Cut(whole, " ")
			return fullName{first, last}, ok
		},
		New: func(p *Piece) (fullName, bool) {
			first, ok := value(p.First)
			last, _ := value(p.Last)
			return fullName{first, last}, ok
		},
		SetOld: func(p *Piece, v fullName) { p.FullName = new(strings.TrimSuffix(v.First+" "+v.Last, " ")) },
		SetNew: func(p *Piece, v fullName) {
			p.First, p.Last = new(v.First), nil
			if v.Last != "" {
				p.Last = new(v.Last)
			}
		},
	}
}

func column[M, V any](t testing.TB, move dualread.Move[M, V]) *dualread.Column[M, V] {
	t.Helper()
	c, err := dualread.New(move)
	must(t, err)
	return c
}

// byCode makes Go code move the rows.
func byCode[M, V any](m bgtransform.Move[M, V]) bgtransform.Move[M, V] {
	m.Inspect = func(context.Context, *M) error { return nil }
	return m
}

func pieces(t testing.TB, db *bun.DB, rows ...Piece) {
	t.Helper()
	must(t, errOf(db.NewCreateTable().Model((*Piece)(nil)).Exec(t.Context())))
	for i := range rows {
		rows[i].ID = int64(i + 1)
	}
	must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
}

// wantPieces compares what get makes of all rows, in the order of their keys.
func wantPieces[T any](t testing.TB, db *bun.DB, what string, get func(p Piece) T, want ...T) {
	t.Helper()
	var rows []Piece
	must(t, db.NewSelect().Model(&rows).Order("id").Scan(t.Context()))
	got := make([]T, len(rows))
	for i, p := range rows {
		got[i] = get(p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Rows that are not moved, and those that somebody wrote who knows the old column
// only, are moved; those that a dual write has left are not touched, though the
// new value is not what the old one makes.
func TestMoveFindsWhatIsPendingAndWhatIsStale(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, change := range map[string]func(bgtransform.Move[Piece, int64]) bgtransform.Move[Piece, int64]{
			"sql":  func(m bgtransform.Move[Piece, int64]) bgtransform.Move[Piece, int64] { return m },
			"code": byCode[Piece, int64],
		} {
			db := newDatabase(t, d.kind).open(t)
			pieces(t, db,
				Piece{Length: new(int64(5))},                             // pending
				Piece{Length: new(int64(3)), LengthMS: new(int64(3456))}, // written by a dual write
				Piece{Length: new(int64(7)), LengthMS: new(int64(3456))}, // then by an old instance
				Piece{},                           // nothing to move
				Piece{LengthMS: new(int64(9000))}, // taken away by an old instance
				Piece{Length: new(int64(0)), LengthMS: new(int64(0))},       // zero is a value
				Piece{Length: new(int64(-7)), LengthMS: new(int64(-7000))},  // moved
				Piece{Length: new(int64(-7)), LengthMS: new(int64(-7_999))}, // division is towards zero
			)
			ms := func(p Piece) string { return text(p.LengthMS) }
			in := start(t, db, quick(t), change(bgtransform.Move[Piece, int64]{Column: column(t, pieceLength())}))
			st := in.untilState("piece-length", bgtransform.StateComplete)
			if st.Rows != 3 || st.Quarantined != 0 {
				t.Errorf("%s: %d rows moved and %d in quarantine, want 3 and 0", name, st.Rows, st.Quarantined)
			}
			wantPieces(t, db, name, ms, "5000", "3456", "7000", "null", "null", "0", "-7000", "-7999")

			// An old instance writes once more, and a restart finds it.
			exec(t, db, "UPDATE pieces SET length = 6 WHERE id = 2")
			must(t, in.Control().Restart(t.Context(), "piece-length", bgtransform.By{Who: "ann", Why: "a rollback"}))
			in.until("piece-length", "complete again", func(st bgtransform.Status) bool {
				return st.State == bgtransform.StateComplete && st.Run == 2
			})
			wantPieces(t, db, name+" after an old write", ms, "5000", "6000", "7000", "null", "null", "0", "-7000", "-7999")
		}
	})
}

// Letters count also where the collation ignores their case, and HasOld says what
// is no value, in either language.
func TestMoveComparesBytes(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, m := range map[string]bgtransform.Move[Piece, string]{
			"sql":  {Column: column(t, pieceCaption())},
			"code": byCode(bgtransform.Move[Piece, string]{Column: column(t, pieceCaption())}),
		} {
			db := newDatabase(t, d.kind).open(t)
			pieces(t, db,
				Piece{Label: "Abc", Caption: new("abc")}, Piece{Label: "é?'", Caption: nil}, Piece{}, Piece{Label: "a ", Caption: new("a")},
				Piece{Caption: new("gone")},
			)
			st := start(t, db, quick(t), m).untilState("piece-caption", bgtransform.StateComplete)
			if st.Rows != 4 {
				t.Errorf("%s: %d rows moved, want 4", name, st.Rows)
			}
			wantPieces(t, db, name, func(p Piece) string { return text(p.Caption) }, "Abc", "é?'", "null", "a ", "null")
		}
	})
}

// One column becomes two, by Go code. A row that would look out of date for ever
// goes to quarantine.
func TestMoveOfOneColumnToSeveral(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		pieces(t, db,
			Piece{FullName: new("Ada Lovelace")},
			Piece{FullName: new("Prince")},
			Piece{},
			Piece{FullName: new("Ada King"), First: new("Ada"), Last: new("Lovelace")}, // written by an old instance
			Piece{FullName: new("Johann Sebastian Bach"), First: new("Johann"), Last: new("Sebastian Bach")},
			Piece{FullName: new("nobody ")},
		)
		in := start(t, db, quick(t), bgtransform.Move[Piece, fullName]{Column: column(t, pieceName())})
		st := in.untilReason("piece-name", bgtransform.ReasonQuarantine)
		if st.Rows != 3 || st.Quarantined != 1 {
			t.Errorf("%d rows moved and %d in quarantine, want 3 and 1", st.Rows, st.Quarantined)
		}
		name := func(p Piece) fullName { v, _ := pieceName().New(&p); return v }
		wantPieces(t, db, "names", name, fullName{"Ada", "Lovelace"}, fullName{First: "Prince"}, fullName{}, fullName{"Ada", "King"}, fullName{"Johann", "Sebastian Bach"}, fullName{})
		rows, err := in.Control().Quarantined(t.Context(), "piece-name", 10)
		if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Message, "SetOld does not give back") || strings.Contains(rows[0].Message, "nobody") {
			t.Errorf("quarantine: %+v, %v; want the row whose name ends in a blank", rows, err)
		}
	})
}

// Go and SQL disagree about which rows have something to move: nobody is to find
// out by a run that never ends.
func TestMoveWhoseNullRulesDisagree(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	pieces(t, db, Piece{Label: "a"}, Piece{})
	move := pieceCaption()
	move.Forward, move.HasOld = nil, ""
	in := start(t, db, quick(t), bgtransform.Move[Piece, string]{Column: column(t, move)})
	st := in.untilReason("piece-caption", bgtransform.ReasonQuarantine)
	rows, err := in.Control().Quarantined(t.Context(), "piece-caption", 10)
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Message, "HasOld") || st.Rows != 1 {
		t.Errorf("%d rows moved, quarantine %+v, %v; want 1, and the other because of HasOld", st.Rows, rows, err)
	}
}

func TestMoveInspects(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	pieces(t, db, Piece{Length: new(int64(-5)), Label: "bad"}, Piece{Length: new(int64(5)), Label: "good"})
	in := start(t, db, quick(t), bgtransform.Move[Piece, int64]{
		Column: column(t, pieceLength()), Reads: []string{"label"},
		Inspect: func(_ context.Context, p *Piece) error {
			if p.Label == "bad" {
				return errors.New("a bad one")
			}
			return nil
		},
	})
	if st := in.untilReason("piece-length", bgtransform.ReasonQuarantine); st.Rows != 1 || st.Quarantined != 1 {
		t.Errorf("%d rows and %d in quarantine, want 1 and 1", st.Rows, st.Quarantined)
	}
}

// A verification finds what neither direction explains, and is told when it
// cannot know.
func TestMoveIsVerifiedByItsDefinition(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		pieces(t, db, Piece{Length: new(int64(5))}, Piece{Length: new(int64(6))}, Piece{})
		forward := pieceLength()
		forward.Backward = nil // so that a wrong value is not taken for an old write
		in := start(t, db, quick(t), bgtransform.Move[Piece, int64]{Column: column(t, forward)})
		in.untilState("piece-length", bgtransform.StateComplete)
		exec(t, db, "UPDATE pieces SET length_ms = 1 WHERE id = 2")
		must(t, in.Control().Verify(t.Context(), "piece-length", bgtransform.VerifyOptions{Repair: true}, bgtransform.By{Who: "ann"}))
		in.until("piece-length", "verified", func(st bgtransform.Status) bool {
			return st.Verify != nil && st.Verify.Repaired == 1
		})
		wantPieces(t, db, "repaired", func(p Piece) int64 { v, _ := value(p.LengthMS); return v }, 5000, 6000, 0)
	})
	code := pieceName()
	code.Backward = nil
	if err := (bgtransform.Move[Piece, fullName]{Column: column(t, code)}).Verifiable(); err == nil {
		t.Error("a move without any SQL is said to be verifiable")
	}
}

func TestMoveIsReverted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		pieces(t, db, Piece{Length: new(int64(5))}, Piece{Length: new(int64(7)), LengthMS: new(int64(3456))})
		m := bgtransform.Move[Piece, int64]{Column: column(t, pieceLength()), Options: bgtransform.Options{Journal: true}}
		in := start(t, db, quick(t), m)
		in.untilState("piece-length", bgtransform.StateComplete)
		must(t, in.Control().Revert(t.Context(), "piece-length", bgtransform.By{Who: "ann"}))
		in.untilState("piece-length", bgtransform.StateReverted)
		wantPieces(t, db, "as before", func(p Piece) int64 { v, _ := value(p.LengthMS); return v }, 0, 3456)
	})
}

func TestMoveIsRefusedWhereItIsRegistered(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	odd := pieceLength()
	odd.NewColumns = []string{"length_msec"}
	s, err := bgtransform.New(db, quick(t))
	must(t, err)
	for want, m := range map[string]bgtransform.Transform{
		"it has no name":           bgtransform.Move[Piece, int64]{},
		`column "length_msec"`:     bgtransform.Move[Piece, int64]{Column: column(t, odd)},
		"Reads is for Inspect":     bgtransform.Move[Piece, int64]{Column: column(t, pieceLength()), Reads: []string{"label"}},
		`has no column "labelled"`: byCode(bgtransform.Move[Piece, int64]{Column: column(t, pieceLength()), Reads: []string{"labelled"}}),
	} {
		if err := s.Register(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Register: %v, want an error that says %q", err, want)
		}
	}
	c := column(t, pieceLength())
	if got := (bgtransform.Move[Piece, int64]{Column: c}).DualColumn(); got != bgtransform.DualColumn(c) {
		t.Errorf("DualColumn() = %v, want the column of the move", got)
	}
}

// What the definition says is what the run is known by.
func TestMoveHasTheRevisionOfItsDefinition(t *testing.T) {
	t.Parallel()
	base := bgtransform.Move[Piece, int64]{Column: column(t, pieceLength())}
	was := base.Definition().Revision
	for name, change := range map[string]func(*dualread.Move[Piece, int64]){
		"Forward":    func(m *dualread.Move[Piece, int64]) { m.Forward = []string{"? * 1001"} },
		"Backward":   func(m *dualread.Move[Piece, int64]) { m.Backward = nil },
		"HasOld":     func(m *dualread.Move[Piece, int64]) { m.HasOld = "? > 0" },
		"OldColumns": func(m *dualread.Move[Piece, int64]) { m.OldColumns = []string{"id"} },
	} {
		def := pieceLength()
		change(&def)
		if got := (bgtransform.Move[Piece, int64]{Column: column(t, def)}).Definition().Revision; got == was {
			t.Errorf("with another %s the revision is the same", name)
		}
	}
	if again := (bgtransform.Move[Piece, int64]{Column: column(t, pieceLength())}).Definition().Revision; again != was {
		t.Error("the same definition has two revisions")
	}
}
