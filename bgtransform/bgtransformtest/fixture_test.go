package bgtransformtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

func TestRowsTakesModelsAsTheyCome(t *testing.T) {
	t.Parallel()
	first := Track{Title: "no key of its own"}
	fixture := bgtransformtest.Rows(first, &Track{Title: "by pointer"}, []Album{{Artist: "a", No: 1}}, []*Track{{Title: "in a slice"}})
	db := bgtransformtest.Run(t, fixture, goodSQL())
	tracks, err := db.NewSelect().Model((*Track)(nil)).Count(t.Context())
	if err != nil || tracks != 3 {
		t.Errorf("got %d tracks, %v; want 3", tracks, err)
	}
	albums, err := db.NewSelect().Model((*Album)(nil)).Count(t.Context())
	if err != nil || albums != 1 {
		t.Errorf("got %d albums, %v; want 1", albums, err)
	}
	if first.ID != 0 {
		t.Errorf("got the key %d written back to the model; want it left alone", first.ID)
	}
}

func TestManyRows(t *testing.T) {
	t.Parallel()
	tracks := make([]Track, 1234)
	db := bgtransformtest.Run(t, bgtransformtest.Rows(tracks), goodSQL(), bgtransformtest.WithBatchSize(500))
	n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms IS NOT NULL").Count(t.Context())
	if err != nil || n != 1234 {
		t.Errorf("got %d rows, %v; want 1234", n, err)
	}
}

func TestFixtureMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fixture bgtransformtest.Fixture
		want    string
	}{
		"nil":             {bgtransformtest.Rows(nil), "given a nil"},
		"not a model":     {bgtransformtest.Rows(42), "a value of type int"},
		"not a slice":     {bgtransformtest.Rows([]string{}), "a value of type string"},
		"its own error":   {func(context.Context, *bun.DB) error { return errors.New("no disk") }, "fixture: no disk"},
		"duplicated keys": {bgtransformtest.Rows(Track{ID: 1}, Track{ID: 1}), "insert rows of bgtransformtest_test.Track"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := failures(t, func(tb testing.TB) { bgtransformtest.Run(tb, c.fixture, goodSQL()) })
			wantReport(t, report, c.want)
		})
	}
}

// A schema of one's own: a composite key, no key, odd names, a trigger that
// writes to another table.
func TestHandWrittenSchema(t *testing.T) {
	t.Parallel()
	fixture := func(ctx context.Context, db *bun.DB) error {
		_, err := db.DB.ExecContext(ctx, `
			CREATE TABLE albums (artist TEXT, no INTEGER, name TEXT, PRIMARY KEY (artist, no)) WITHOUT ROWID;
			CREATE TABLE "odd ""name?" ("a?b" TEXT, total INTEGER);
			INSERT INTO "odd ""name?" VALUES ('x', 0);
			CREATE TRIGGER counted AFTER UPDATE ON albums BEGIN UPDATE "odd ""name?" SET total = total + 1; END;
			INSERT INTO albums VALUES ('a', 1, NULL), ('a', 2, NULL), ('b', 1, NULL), ('b', 2, NULL), ('c', 1, 'named')`)
		return err
	}
	transform := bgtransform.Rows[Album]{
		Name: "album-name", Pending: "name IS NULL", Writes: []string{"name"},
		Each: func(_ context.Context, m *Album) error { m.Name = m.Artist + "'s"; return nil },
	}
	bgtransformtest.KillEverywhere(t, fixture, transform, bgtransformtest.WithBatchSize(2))
	bgtransformtest.Idempotent(t, fixture, transform)
}
