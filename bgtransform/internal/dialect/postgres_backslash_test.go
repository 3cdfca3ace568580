package dialect_test

import (
	"context"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// A cursor's text is kept to the byte where the app's sessions have
// standard_conforming_strings off: the first statement of a transaction, which
// holds it, is parsed only after that was set.
func TestI2PostgresCursorWithABackslash(t *testing.T) {
	t.Parallel()
	db := pgConnect(t, pgDSN(t)+"&standard_conforming_strings=off")
	d := dialectOf(t, db)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE cursors (key text)"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`a\nb`, `ends with \`, `it's '' \' quoted`, `'`} {
		first := string(db.Dialect().AppendString([]byte("INSERT INTO cursors VALUES ("), want)) + ")"
		var got string
		err := d.TransactAfter(t.Context(), db, dialect.Limits{Statement: time.Minute}, first, func(ctx context.Context, tx bun.Tx, _ int64) error {
			return tx.QueryRowContext(ctx, "DELETE FROM cursors RETURNING key").Scan(&got)
		})
		if err != nil || got != want {
			t.Errorf("kept %q, %v; want %q", got, err, want)
		}
	}
}
