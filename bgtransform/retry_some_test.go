package bgtransform_test

import (
	"context"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// piecesToMS are the kinds that move pieces.length to length_ms.
func piecesToMS(t testing.TB) map[string]bgtransform.Transform {
	t.Helper()
	move := bgtransform.Move[Piece, int64]{Column: column(t, pieceLength())}
	return map[string]bgtransform.Transform{
		"sql":          bgtransform.SQL[Piece]{Name: "piece-length", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"},
		"journaled":    bgtransform.SQL[Piece]{Name: "piece-length", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000", Writes: []string{"length_ms"}, Options: bgtransform.Options{Journal: true}},
		"move":         move,
		"move by code": byCode(move),
		"rows": bgtransform.Rows[Piece]{
			Name: "piece-length", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
			Each: func(_ context.Context, p *Piece) error { p.LengthMS = new(*p.Length * 1000); return nil },
		},
	}
}

// setAside returns the keys in quarantine, one after the other, in blanks.
func setAside(t testing.TB, c *bgtransform.Control) string {
	t.Helper()
	rows, err := c.Quarantined(context.Background(), "piece-length", 10)
	must(t, err)
	keys := " "
	for _, row := range rows {
		keys += row.Key + " "
	}
	return keys
}

// Of rows that are retried, one that is transformed leaves the quarantine in that
// transaction, and one that the app has mended by itself with the pass that looks at
// it, whatever becomes of the others.
func TestI2RetriedRowLeavesTheQuarantineAsItIsTransformed(t *testing.T) {
	t.Parallel()
	for name, transform := range piecesToMS(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, db *bun.DB) {
				rows := make([]Piece, 200)
				for i := range rows {
					rows[i].Length = new(int64(i + 1))
				}
				for _, id := range []int64{9, 20, 150} { // the database refuses to store a value twice
					rows[id-1].Length = new(id - 1)
				}
				pieces(t, db, rows...)
				exec(t, db, "CREATE UNIQUE INDEX once ON pieces (length_ms)")
				control, err := bgtransform.NewControl(db)
				must(t, err)
				watch, cfg := &recorder{}, quick(t)
				watch.hook = func(info bgtransform.BatchStartInfo) {
					held := setAside(t, control)
					if strings.Contains(held, " 9 ") && count(t, db, "SELECT count(*) FROM pieces WHERE id = 9 AND length_ms IS NOT NULL") == 1 {
						t.Errorf("pass %d, batch %d: row 9 is transformed, and in quarantine", info.Pass, info.Batch)
					}
					if info.Pass > 3 && strings.Contains(held, " 20 ") {
						t.Errorf("pass %d, batch %d: a pass has found row 20 not pending, and it is in quarantine", info.Pass, info.Batch)
					}
				}
				cfg.Observer = watch
				in := start(t, db, cfg, transform)
				st := in.until("piece-length", "waiting for three rows", func(st bgtransform.Status) bool {
					return st.Reason.Code == bgtransform.ReasonQuarantine && st.Quarantined == 3
				})
				if held := setAside(t, in.Control()); st.Pass != 2 || st.Rows != 197 {
					t.Fatalf("pass %d has set%saside and changed %d rows", st.Pass, held, st.Rows)
				}

				exec(t, db, "UPDATE pieces SET length = 9 WHERE id = 9")
				exec(t, db, "UPDATE pieces SET length = 20, length_ms = 20000 WHERE id = 20")
				must(t, in.Control().Retry(t.Context(), "piece-length", bgtransform.By{Who: "ann", Why: "two are mended"}))
				st = in.until("piece-length", "waiting for one row", func(st bgtransform.Status) bool {
					return st.Reason.Code == bgtransform.ReasonQuarantine && st.Quarantined == 1
				})
				if held := setAside(t, in.Control()); held != " 150 " || st.Rows != 198 || !strings.Contains(st.Reason.Text, " 1 row ") {
					t.Errorf("in quarantine are%s, %d rows were changed, and it says %q", held, st.Rows, st.Reason.Text)
				}
			})
		})
	}
}

// A row for which the pending condition itself fails keeps no other row in
// quarantine: of such a row only the condition is known to be no answer.
func TestRetryBesideARowThatThePendingConditionFailsFor(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, "pg").open(t)
	rows := make([]Piece, 50)
	for i := range rows {
		rows[i].FullName = new("12")
	}
	rows[8].FullName, rows[9].FullName, rows[29].FullName = new("12.3 EUR"), new("9.9 EUR"), new("1 USD")
	pieces(t, db, rows...)
	def := pieceLength()
	def.OldColumns, def.Forward, def.Backward = []string{"full_name"}, []string{"CAST(? AS bigint)"}, nil
	in := start(t, db, quick(t), bgtransform.Move[Piece, int64]{Column: column(t, def)})
	in.until("piece-length", "waiting for three rows", func(st bgtransform.Status) bool {
		return st.Reason.Code == bgtransform.ReasonQuarantine && st.Quarantined == 3
	})
	exec(t, db, "UPDATE pieces SET full_name = '13' WHERE id = 9")
	exec(t, db, "UPDATE pieces SET full_name = NULL WHERE id = 30")
	must(t, in.Control().Retry(t.Context(), "piece-length", bgtransform.By{Who: "ann", Why: "two are mended"}))
	st := in.until("piece-length", "waiting for one row", func(st bgtransform.Status) bool {
		return st.Reason.Code == bgtransform.ReasonQuarantine && st.Quarantined == 1
	})
	if held := setAside(t, in.Control()); held != " 10 " || st.Rows != 48 || !strings.Contains(st.Reason.Text, " 1 row ") {
		t.Errorf("in quarantine are%s, %d rows were changed, and it says %q", held, st.Rows, st.Reason.Text)
	}
}
