package bgtransform_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Disc has a length that moves to another table.
type Disc struct {
	bun.BaseModel `bun:"table:discs,alias:disc"`

	ID     int64       `bun:"id,pk"`
	Length *int64      `bun:"length"`
	Extra  *DiscExtras `bun:"rel:has-one,join:id=disc_id"`
}

// DiscExtras is where it moves to.
type DiscExtras struct {
	bun.BaseModel `bun:"table:disc_extras,alias:extras"`

	DiscID   int64  `bun:"disc_id,pk"`
	LengthMS *int64 `bun:"length_ms"`
	Note     string `bun:"note,nullzero"`
}

func discLength() dualread.Move[Disc, int64] {
	return dualread.Move[Disc, int64]{
		Name:        "disc-length",
		OldColumns:  []string{"length"},
		NewColumns:  []string{"length_ms"},
		NewRelation: "Extra",
		Forward:     []string{"? * 1000"},
		Backward:    []string{"(?0 - ?0 % 1000) / 1000"},
		Old:         func(d *Disc) (int64, bool) { s, ok := value(d.Length); return s * 1000, ok },
		New: func(d *Disc) (int64, bool) {
			if d.Extra == nil {
				return 0, false
			}
			return value(d.Extra.LengthMS)
		},
		SetOld: func(d *Disc, ms int64) { d.Length = new(ms / 1000) },
		SetNew: func(d *Disc, ms int64) {
			if d.Extra == nil {
				d.Extra = &DiscExtras{}
			}
			d.Extra.LengthMS = new(ms)
		},
	}
}

func discs(t testing.TB, db *bun.DB) {
	t.Helper()
	for _, model := range []any{(*Disc)(nil), (*DiscExtras)(nil)} {
		must(t, errOf(db.NewCreateTable().Model(model).Exec(t.Context())))
	}
	rows := []Disc{
		{ID: 1, Length: new(int64(5))}, // pending
		{ID: 2, Length: new(int64(3))}, // written by a dual write
		{ID: 3, Length: new(int64(7))}, // then by an old instance
		{ID: 4},                        // nothing to move
		{ID: 5},                        // taken away by an old instance
		{ID: 6, Length: new(int64(6))}, // pending, with a row there
	}
	must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
	extras := []DiscExtras{{DiscID: 2, LengthMS: new(int64(3456))}, {DiscID: 3, LengthMS: new(int64(3456))}, {DiscID: 5, LengthMS: new(int64(9000))}, {DiscID: 6, Note: "kept"}}
	must(t, errOf(db.NewInsert().Model(&extras).Exec(t.Context())))
}

// discTexts says what is in both tables, and what Read and Expr make of it.
func discTexts(t testing.TB, db *bun.DB, c *dualread.Column[Disc, int64]) string {
	t.Helper()
	var rows []struct {
		Disc  `bun:",extend"`
		Value *int64 `bun:"value,scanonly"`
	}
	must(t, db.NewSelect().Model(&rows).Relation("Extra").ColumnExpr("?TableColumns").ColumnExpr("? AS value", c.Expr()).OrderExpr("disc.id").Scan(t.Context()))
	texts := make([]string, len(rows))
	for i := range rows {
		d := &rows[i].Disc
		texts[i] = "none"
		if d.Extra != nil && d.Extra.DiscID != 0 {
			texts[i] = text(d.Extra.LengthMS)
		}
		if v, _ := value(rows[i].Value); v != c.Read(d) {
			t.Errorf("disc %d: SQL reads %d, Read %d", d.ID, v, c.Read(d))
		}
	}
	return strings.Join(texts, " ")
}

// A move to another table inserts there what is missing, updates what is out of date,
// and leaves alone what a dual write has left.
func TestMoveToAnotherTable(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		discs(t, db)
		c := column(t, discLength())
		must(t, c.Check(db))
		if got, want := discTexts(t, db, c), "none 3456 3456 none 9000 null"; got != want {
			t.Fatalf("before: %s, want %s", got, want)
		}
		in := start(t, db, quick(t), bgtransform.Move[Disc, int64]{Column: c})
		if st := in.untilState("disc-length", bgtransform.StateComplete); st.Rows != 4 || st.Quarantined != 0 {
			t.Errorf("%d rows moved and %d in quarantine, want 4 and 0", st.Rows, st.Quarantined)
		}
		if got, want := discTexts(t, db, c), "5000 3456 7000 none null 6000"; got != want {
			t.Errorf("after: %s, want %s", got, want)
		}
		if n := count(t, db, "SELECT count(*) FROM disc_extras WHERE note = 'kept'"); n != 1 {
			t.Error("another column of the other table was overwritten")
		}
		setPhase(t, c, dualread.PhaseNew)
		discTexts(t, db, c)

		exec(t, db, "UPDATE discs SET length = 8 WHERE id = 2") // an old instance once more
		exec(t, db, "DELETE FROM disc_extras WHERE disc_id = 1")
		must(t, in.Control().Restart(t.Context(), "disc-length", bgtransform.By{Who: "ann", Why: "a rollback"}))
		in.until("disc-length", "complete again", func(st bgtransform.Status) bool {
			return st.State == bgtransform.StateComplete && st.Run == 2
		})
		if got, want := discTexts(t, db, c), "5000 8000 7000 none null 6000"; got != want {
			t.Errorf("after an old write: %s, want %s", got, want)
		}
	})
}

func setPhase[M, V any](t testing.TB, c *dualread.Column[M, V], p dualread.Phase) {
	t.Helper()
	must(t, c.Enter(p))
}

// The dual write of both tables is one transaction, and its order keeps the transform
// from coming in between.
func TestMoveToAnotherTableIsSavedInOneTransaction(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		discs(t, db)
		c := column(t, discLength())
		for _, ms := range []int64{1234, 9876} { // inserts there, then updates
			for _, id := range []int64{1, 6} {
				disc := &Disc{ID: id}
				c.Write(disc, ms)
				must(t, db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
					if _, err := tx.NewUpdate().Model(disc).Column(c.Columns()...).WherePK().Exec(ctx); err != nil {
						return err
					}
					return c.SaveNew(ctx, tx, disc)
				}))
			}
			if got, want := discTexts(t, db, c), fmt.Sprintf("%d 3456 3456 none 9000 %[1]d", ms); got != want {
				t.Errorf("saved %s, want %s", got, want)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM disc_extras WHERE note = 'kept'"); n != 1 {
			t.Error("another column of the other table was overwritten")
		}
		if err := c.SaveNew(t.Context(), db, &Disc{ID: 4}); err == nil || !strings.Contains(err.Error(), "no Extra to save") {
			t.Errorf("SaveNew without a new value: %v", err)
		}
	})
}

func TestMoveToAnotherTableIsVerified(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		discs(t, db)
		move := discLength()
		move.Backward = nil // so that a wrong value is not taken for an old write
		c := column(t, move)
		in := start(t, db, quick(t), bgtransform.Move[Disc, int64]{Column: c})
		in.untilState("disc-length", bgtransform.StateComplete)
		must(t, in.Control().Verify(t.Context(), "disc-length", bgtransform.VerifyOptions{Repair: true}, bgtransform.By{Who: "ann"}))
		in.until("disc-length", "verified", func(st bgtransform.Status) bool { return st.Verify != nil && st.Verify.Repaired == 3 })
		if got, want := discTexts(t, db, c), "5000 3000 7000 none null 6000"; got != want {
			t.Errorf("repaired: %s, want %s", got, want)
		}
	})
}

// What a move to another table cannot do is refused where it is registered.
func TestMoveToAnotherTableRefuses(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir()+"/test.db")
	s, err := bgtransform.New(db, quick(t))
	must(t, err)
	with := func(change func(*dualread.Move[Disc, int64])) bgtransform.Move[Disc, int64] {
		def := discLength()
		change(&def)
		return bgtransform.Move[Disc, int64]{Column: column(t, def)}
	}
	journaled := with(func(*dualread.Move[Disc, int64]) {})
	journaled.Options.Journal = true
	for want, m := range map[string]bgtransform.Transform{
		"takes Forward":             with(func(m *dualread.Move[Disc, int64]) { m.Forward = nil }),
		"is no relation":            with(func(m *dualread.Move[Disc, int64]) { m.NewRelation = "Extras" }),
		`column "lengthy"`:          with(func(m *dualread.Move[Disc, int64]) { m.NewColumns = []string{"lengthy"} }),
		"Inspect cannot be used":    byCode(with(func(*dualread.Move[Disc, int64]) {})),
		"Options.Journal cannot be": journaled,
	} {
		if err := s.Register(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Register: %v, want an error that says %q", err, want)
		}
	}
	q := db.NewUpdate().Model(&Disc{ID: 1}).WherePK()
	if err := discLength().BeforeUpdate(t.Context(), q); err == nil || !strings.Contains(err.Error(), "SaveNew") {
		t.Errorf("BeforeUpdate of a move to another table: %v", err)
	}
}

// What the app writes to both tables meanwhile is what is there in the end, to the
// millisecond.
func TestI3MoveToAnotherTableLosesNoDualWrite(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		for _, model := range []any{(*Disc)(nil), (*DiscExtras)(nil)} {
			must(t, errOf(db.NewCreateTable().Model(model).Exec(t.Context())))
		}
		const rows, writers = 150, 2
		all := make([]Disc, rows)
		for i := range all {
			all[i] = Disc{ID: int64(i), Length: new(int64(i))}
		}
		must(t, errOf(db.NewInsert().Model(&all).Exec(t.Context())))
		c := column(t, discLength())
		cfg := quick(t)
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 20, 20
		in := start(t, db, cfg, bgtransform.Move[Disc, int64]{Column: c})
		last := make([][]int64, writers)
		stop := make(chan struct{})
		ended := make(chan error, writers)
		for w := range writers {
			last[w] = make([]int64, rows)
			go func() { ended <- writeDiscs(d.open(t), c, last[w], w, writers, stop) }()
		}
		in.untilState("disc-length", bgtransform.StateComplete)
		close(stop)
		for range writers {
			must(t, <-ended)
		}
		in.stop()
		var got []Disc
		must(t, db.NewSelect().Model(&got).Relation("Extra").OrderExpr("disc.id").Scan(t.Context()))
		edits := 0
		for i := range got {
			want := got[i].ID * 1000
			if ms := last[got[i].ID%writers][got[i].ID]; ms != 0 {
				want, edits = ms, edits+1
			}
			if v, _ := c.Move().New(&got[i]); v != want || *got[i].Length != want/1000 {
				t.Errorf("disc %d: %d s and %d ms, want %d ms", got[i].ID, *got[i].Length, v, want)
			}
		}
		if edits == 0 {
			t.Error("nobody has written anything, which shows nothing")
		}
	})
}

// writeDiscs writes to the discs of one writer, and keeps what it wrote last.
func writeDiscs(db *bun.DB, c *dualread.Column[Disc, int64], last []int64, w, writers int, stop chan struct{}) error {
	ctx := context.Background()
	for n := int64(1); ; n++ {
		for id := w; id < len(last); id += writers {
			select {
			case <-stop:
				return nil
			default:
			}
			disc := &Disc{ID: int64(id)}
			c.Write(disc, n*10_000+int64(id))
			err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.NewUpdate().Model(disc).Column(c.Columns()...).WherePK().Exec(ctx); err != nil {
					return err
				}
				return c.SaveNew(ctx, tx, disc)
			})
			if err != nil {
				return err
			}
			last[id] = n*10_000 + int64(id)
		}
	}
}
