package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"

	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// A pool starts all its instances at once.
func TestCreateSideBySide(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, open database) {
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			db := open(t)
			wg.Go(func() { errs[i] = store.Create(t.Context(), db) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if err := newStore(t, open(t)).Register(t.Context(), []string{"x"}); err != nil {
			t.Fatal(err)
		}
	})
}

// A table of an older version gets the columns that it lacks. Its rows have
// what a new one begins with, and those that an older instance of the app adds
// meanwhile do too.
func TestCreateAddsColumnsThatAreMissing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		for _, column := range []string{"beats", "limited_by", "at_end", "cursor_key", "rows_per_sec"} {
			if _, err := f.db.ExecContext(t.Context(), "ALTER TABLE bgtransform_ranges DROP COLUMN "+column); err != nil {
				t.Fatal(err)
			}
		}
		f.must(f.store.Create(t.Context()))
		got := f.record().Range
		if got.Beats != 0 || got.LimitedBy != "" || got.AtEnd || got.Cursor != "" || got.RowsPerSec != 0 || got.Pass != 1 {
			t.Errorf("an older row is %+v", got)
		}
		if _, err := f.db.NewInsert().Model(&store.Range{Name: "old", Run: 1}).
			ExcludeColumn("beats", "limited_by", "at_end", "cursor_key", "rows_per_sec").Exec(t.Context()); err != nil {
			t.Errorf("an older instance cannot add a row: %v", err)
		}
		a, rec := f.claim("new")
		f.must(a.Tx(t.Context(), &rec.Range, nil))
	})
}

// asRole returns a pool of a role that may use what is in the schema public,
// and may not change the schema, and one of the superuser.
func asRole(t *testing.T, options string) (app, owner *bun.DB) {
	t.Helper()
	dsn := testserver.SharedPostgres(t).Database(t) + options
	owner = bun.NewDB(pool(t, "pgx", dsn), pgdialect.New())
	_, name, _ := strings.Cut(dsn, "/test_")
	name, _, _ = strings.Cut("app_"+name, "?")
	for _, s := range []string{
		"CREATE ROLE " + name + " LOGIN", "REVOKE CREATE ON SCHEMA public FROM public", "CREATE SCHEMA own",
		"GRANT USAGE ON SCHEMA own TO " + name,
		"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO " + name,
		"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO " + name,
	} {
		if _, err := owner.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, s := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
			if _, err := owner.ExecContext(context.Background(), s); err != nil {
				t.Error(err)
			}
		}
	})
	return bun.NewDB(pool(t, "pgx", strings.Replace(dsn, "postgres@", name+"@", 1)), pgdialect.New()), owner
}

// Teams whose services may not change the schema apply migrations; Create then
// finds nothing to do, in whichever schema the tables are.
func TestCreateNeedsNoRightsWhereTheTablesAre(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "&search_path=own"} {
		app, owner := asRole(t, options)
		err := store.Create(t.Context(), app)
		if err == nil || !strings.Contains(err.Error(), "create table bgtransform_transforms") || !strings.Contains(err.Error(), "store.Migrations") {
			t.Fatalf("Create without tables and rights = %v, want an error that says what to do", err)
		}
		migrator := migrate.NewMigrator(owner, store.Migrations(), migrate.WithTableName("our_migrations"))
		if err := migrator.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := migrator.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := store.Create(t.Context(), app); err != nil {
			t.Fatalf("Create where the tables are: %v", err)
		}
		s := newStore(t, app)
		if err := s.Register(t.Context(), []string{"x"}); err != nil {
			t.Fatal(err)
		}
		a, rec, err := s.Claim(t.Context(), "x", "host")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Tx(t.Context(), &rec.Range, nil); err != nil {
			t.Error(err)
		}
		if err := s.Act(t.Context(), "x", store.Change{Action: "pause", Desired: store.Paused}, allow); err != nil {
			t.Error(err)
		}
	}
}

// Migrations make and drop the same tables as Create, on every database, also
// where Create was first.
func TestMigrationsUpAndDown(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		migrator := migrate.NewMigrator(f.db, store.Migrations(), migrate.WithTableName("m"), migrate.WithLocksTableName("l"))
		f.must(migrator.Init(t.Context()))
		for range 2 {
			if _, err := migrator.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.must(f.store.Register(t.Context(), []string{"x"}))
			f.record()
			if _, err := migrator.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := f.store.Get(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("after the rollback Get = %v, want ErrNotFound", err)
			}
		}
	})
}

// Whether the tables are there, of another version, or whole, is told without making them.
func TestExists(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, open database) {
		db := open(t)
		s := newStore(t, db)
		for _, step := range []struct {
			do           string
			there, whole bool
		}{
			{"", false, false},
			{"create", true, true},
			{"ALTER TABLE bgtransform_intents DROP COLUMN settings", true, false},
			{"create", true, true},
			{"DROP TABLE bgtransform_reads", true, false},
		} {
			var err error
			switch step.do {
			case "":
			case "create":
				err = s.Create(t.Context())
			default:
				_, err = db.ExecContext(t.Context(), step.do)
			}
			if err != nil {
				t.Fatal(err)
			}
			there, whole, err := s.Exists(t.Context())
			if err != nil || there != step.there || whole != step.whole {
				t.Errorf("after %q: there %t, whole %t, %v; want %t and %t", step.do, there, whole, err, step.there, step.whole)
			}
		}
	})
}
