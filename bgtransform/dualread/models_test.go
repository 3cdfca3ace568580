package dualread_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// track has a length that moves from seconds to milliseconds.
type track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64 `bun:",pk,autoincrement"`
	AlbumID  int64
	Album    *album `bun:"rel:belongs-to,join:album_id=id"`
	Title    string
	Length   int64
	LengthMS *int64 `bun:"length_ms"`
}

// album has columns of the same names as track, which makes them ambiguous in joins.
type album struct {
	bun.BaseModel `bun:"table:albums,alias:album"`

	ID       int64 `bun:",pk,autoincrement"`
	Length   int64
	LengthMS *int64 `bun:"length_ms"`
	Opener   *track `bun:"rel:has-one,join:id=album_id"`
}

// entry has only names that SQL reserves, and columns that may be null for good.
type entry struct {
	bun.BaseModel `bun:"table:table,alias:group"`

	ID     int64  `bun:"where,pk,autoincrement"`
	Order  *int64 `bun:"order"`
	From   *int64 `bun:"from"`
	Select *int64 `bun:"select"`
}

// lengthMove is a valid move that tests change to their needs.
func lengthMove() dualread.Move[track, int64] {
	return dualread.Move[track, int64]{
		Name:       "track-length-ms",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},
		Backward:   []string{"? / 1000"},
		Old:        func(t *track) (int64, bool) { return t.Length * 1000, true },
		New: func(t *track) (int64, bool) {
			if t.LengthMS == nil {
				return 0, false
			}
			return *t.LengthMS, true
		},
		SetOld: func(t *track, ms int64) { t.Length = ms / 1000 },
		SetNew: func(t *track, ms int64) { t.LengthMS = &ms },
	}
}

// entryMove makes one column of two, and stays null where they are.
func entryMove() dualread.Move[entry, *int64] {
	return dualread.Move[entry, *int64]{
		Name:       "entry_select",
		OldColumns: []string{"order", "from"},
		NewColumns: []string{"select"},
		Forward:    []string{"?0 * 10 + ?1 + ?0"},
		Backward:   []string{"?0 - ?0", "?"},
		Old: func(e *entry) (*int64, bool) {
			if e.Order == nil || e.From == nil {
				return nil, false
			}
			return new(*e.Order*10 + *e.From + *e.Order), true
		},
		New: func(e *entry) (*int64, bool) { return e.Select, e.Select != nil },
		SetOld: func(e *entry, v *int64) {
			if e.Order, e.From = nil, v; v != nil {
				e.Order = new(int64(0))
			}
		},
		SetNew: func(e *entry, v *int64) { e.Select = v },
	}
}

// person has a name that moves from one column to two.
type person struct {
	bun.BaseModel `bun:"table:people,alias:person"`

	ID    int64   `bun:",pk,autoincrement"`
	Full  *string `bun:"full_name"`
	First *string `bun:"first_name"`
	Last  *string `bun:"last_name"`
}

// fullName is the value of two columns.
type fullName struct{ First, Last string }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// nameMove makes two columns of one, of which the second may be null.
func nameMove() dualread.Move[person, fullName] {
	return dualread.Move[person, fullName]{
		Name:       "person-name",
		OldColumns: []string{"full_name"},
		NewColumns: []string{"first_name", "last_name"},
		Forward: []string{
			"SUBSTR(?0, 1, INSTR(?0 || ' ', ' ') - 1)",
			"NULLIF(SUBSTR(?0, INSTR(?0 || ' ', ' ') + 1), '')",
		},
		Backward: []string{"RTRIM(?0 || ' ' || COALESCE(?1, ''))"},
		Old: func(p *person) (fullName, bool) {
			first, last, _ := strings.Cut(text(p.Full), " ")
			return fullName{first, last}, p.Full != nil
		},
		New:    func(p *person) (fullName, bool) { return fullName{text(p.First), text(p.Last)}, p.First != nil },
		SetOld: func(p *person, v fullName) { p.Full = new(strings.TrimRight(v.First+" "+v.Last, " ")) },
		SetNew: func(p *person, v fullName) {
			p.First, p.Last = new(v.First), nil
			if v.Last != "" {
				p.Last = new(v.Last)
			}
		},
	}
}

// newColumn makes the column of a move that must be valid.
func newColumn[M, V any](tb testing.TB, move dualread.Move[M, V]) *dualread.Column[M, V] {
	tb.Helper()
	c, err := dualread.New(move)
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	return c
}

// setPhase puts c into a phase that must be valid.
func setPhase[M, V any](tb testing.TB, c *dualread.Column[M, V], p dualread.Phase) {
	tb.Helper()
	if err := c.SetPhase(p); err != nil {
		tb.Fatalf("SetPhase(%s): %v", p, err)
	}
}

// openDB opens an empty database in memory.
func openDB() *bun.DB {
	sqldb, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err) // the driver is not linked in
	}
	sqldb.SetMaxOpenConns(1) // each connection has a memory of its own
	return bun.NewDB(sqldb, sqlitedialect.New())
}

// newDB opens an empty database in memory, with the tables of the models.
func newDB(tb testing.TB) *bun.DB {
	tb.Helper()
	db := openDB()
	tb.Cleanup(func() { _ = db.Close() })
	for _, model := range []any{(*track)(nil), (*album)(nil), (*entry)(nil), (*person)(nil)} {
		if _, err := db.NewCreateTable().Model(model).Exec(tb.Context()); err != nil {
			tb.Fatalf("create table: %v", err)
		}
	}
	return db
}

// insert saves models, a pointer or a slice.
func insert(tb testing.TB, db *bun.DB, models any) {
	tb.Helper()
	if _, err := db.NewInsert().Model(models).Exec(tb.Context()); err != nil {
		tb.Fatalf("insert: %v", err)
	}
}
