package bgtransform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Whether a row is pending is told by the data, in the words of the transform.
func TestAnyPending(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 0)
		marked := toMS("x")
		marked.Pending, marked.Watermark = "", bgtransform.Watermark{Changed: "length", Done: "id"}
		listed := toMS("x")
		listed.Pending, listed.Processed = "", bgtransform.ProcessedInDatabase()
		argued := toMSBySQL("x")
		argued.Pending, argued.PendingArgs = "title = ?", []any{`it's \ ?`}
		for _, step := range []struct {
			do                                 string
			args                               []any
			rows, bySQL, marked, listed, argue bool
		}{
			{do: "DELETE FROM tracks"},
			{do: "INSERT INTO tracks (id, title, length) VALUES (5, ?, 6)", args: []any{`it's \ ?`}, rows: true, bySQL: true, marked: true, listed: true, argue: true},
			{do: "UPDATE tracks SET length_ms = 1, length = 5, title = ''", listed: true},
		} {
			exec(t, db, step.do, step.args...)
			for kind, want := range map[bgtransform.PendingTeller]bool{
				&sameRows{toMS("x")}: step.rows, &sameSQL{toMSBySQL("x")}: step.bySQL, &sameRows{marked}: step.marked, &sameRows{listed}: step.listed, &sameSQL{argued}: step.argue,
			} {
				if got, err := kind.AnyPending(t.Context(), db); err != nil || got != want {
					t.Errorf("after %s: %T says %t, %v; want %t", step.do, kind, got, err, want)
				}
			}
		}
		if _, err := (bgtransform.Rows[Track]{Watermark: bgtransform.Watermark{Changed: "nonsense", Done: "id"}}).AnyPending(t.Context(), db); err == nil {
			t.Error("a column that the model does not have is not noticed")
		}
	})
}

type (
	sameRows struct{ bgtransform.Rows[Track] }
	sameSQL  struct{ bgtransform.SQL[Track] }
)

// Who looks through a large table is cut off by the server, and nobody takes that for
// an answer; nor is the caller's own haste one.
func TestAnyPendingIsBounded(t *testing.T) {
	t.Parallel()
	for kind, slow := range map[string]string{"pg": "pg_sleep(60) IS NOT NULL", "mysql": "SLEEP(60) = 0"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			db := newDBOn(t, kind, 1)
			r := toMS("x")
			r.Pending = slow
			if _, err := r.AnyPending(t.Context(), db); !errors.Is(err, bgtransform.ErrPendingUntold) {
				t.Errorf("the error is %v, want ErrPendingUntold", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := r.AnyPending(ctx, db); err == nil || errors.Is(err, bgtransform.ErrPendingUntold) {
				t.Errorf("the error of a caller that has left is %v", err)
			}
		})
	}
}

// A move's data tell by the same condition by which it is moved.
func TestAnyPendingOfAMove(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		pieces(t, db, Piece{Length: new(int64(5)), LengthMS: new(int64(5000))}, Piece{})
		move := bgtransform.Move[Piece, int64]{Column: column(t, pieceLength())}
		for _, step := range []struct {
			do   string
			want bool
		}{
			{"UPDATE pieces SET label = ''", false},
			{"UPDATE pieces SET length_ms = NULL", true},                      // not moved
			{"UPDATE pieces SET length_ms = 1 WHERE length_ms IS NULL", true}, // out of date
		} {
			exec(t, db, step.do)
			if got, err := move.AnyPending(t.Context(), db); err != nil || got != step.want {
				t.Errorf("after %s: %t, %v; want %t", step.do, got, err, step.want)
			}
		}
	})
}
