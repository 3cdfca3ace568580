package bunmigrate_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/adapters/bunmigrate"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// Track is the table whose length is dropped.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newDB(t testing.TB, kind string) *bun.DB {
	t.Helper()
	var db *bun.DB
	open := func(driver, dsn string) *sql.DB {
		pool, err := sql.Open(driver, dsn)
		must(t, err)
		pool.SetMaxOpenConns(4)
		return pool
	}
	switch kind {
	case "pg":
		db = bun.NewDB(open("pgx", testserver.SharedPostgres(t).Database(t)), pgdialect.New())
	case "mysql":
		db = bun.NewDB(open("mysql", testserver.SharedMariaDB(t).Database(t)), mysqldialect.New())
	default:
		db = bun.NewDB(open("sqlite", "file:"+filepath.Join(t.TempDir(), "test.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"), sqlitedialect.New())
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func onEach(t *testing.T, fn func(t *testing.T, db *bun.DB)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "pg", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, newDB(t, kind))
		})
	}
}

// history returns four migrations: the table, an index, the contract, one more.
func history(contract string) *migrate.Migrations {
	ms := migrate.NewMigrations()
	for _, m := range []struct{ name, comment, up string }{
		{"1", "tracks", "CREATE TABLE tracks (id BIGINT PRIMARY KEY, length BIGINT, length_ms BIGINT)"},
		{"2", "index", "CREATE INDEX by_ms ON tracks (length_ms)"},
		{"3", "drop_length", contract},
		{"4", "more", "CREATE TABLE more (id BIGINT PRIMARY KEY)"},
	} {
		ms.Add(migrate.Migration{
			Name: m.name, Comment: m.comment,
			Up: func(ctx context.Context, mg *migrate.Migrator, _ *migrate.Migration) error {
				_, err := mg.DB().ExecContext(ctx, m.up)
				return err
			},
			Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil },
		})
	}
	return ms
}

func drop() bunmigrate.Contract {
	return bunmigrate.Contract{
		Migration: "3_drop_length", Transforms: []string{"track-length-ms"}, Options: []gate.Option{gate.Data[Track]("length_ms IS NULL")},
	}
}

func newMigrator(t testing.TB, db *bun.DB, ms *migrate.Migrations, opts ...migrate.MigratorOption) *bunmigrate.Migrator {
	t.Helper()
	m, err := bunmigrate.New(db, ms, []bunmigrate.Contract{drop()}, opts...)
	must(t, err)
	must(t, m.Init(t.Context()))
	return m
}

// applied returns which migrations are marked.
func applied(t testing.TB, m *bunmigrate.Migrator) string {
	t.Helper()
	ms, err := m.AppliedMigrations(t.Context())
	must(t, err)
	names := namesOf(ms)
	slices.Sort(names)
	return strings.Join(names, " ")
}

func namesOf(ms migrate.MigrationSlice) (names []string) {
	for _, m := range ms {
		names = append(names, m.Name)
	}
	return names
}

// hasLength reports whether the column that the contract drops is there.
func hasLength(t testing.TB, db *bun.DB) bool {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "SELECT length FROM tracks")
	return err == nil
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*gate.Refusal](err)
	return ok
}

const dropLength = "ALTER TABLE tracks DROP COLUMN length"

// A fresh installation runs through, the table included that the gate looks at.
func TestFresh(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		m := newMigrator(t, db, history(dropLength))
		group, err := m.Migrate(t.Context())
		must(t, err)
		if got := applied(t, m); got != "1 2 3 4" || hasLength(t, db) {
			t.Errorf("applied are %s, the column is there: %t", got, hasLength(t, db))
		}
		if got := strings.Join(namesOf(group.Migrations), " "); got != "1 2 3 4" || group.ID != 2 {
			t.Errorf("the group is %d of %s, want 2 of all", group.ID, got)
		}
		if group, err = m.Migrate(t.Context()); err != nil || !group.IsZero() {
			t.Errorf("once more: %v, %v", group, err)
		}
		back, err := m.Rollback(t.Context())
		must(t, err)
		if got := strings.Join(namesOf(back.Migrations), " "); got != "3 4" || applied(t, m) != "1 2" {
			t.Errorf("rolled back are %s, left %s", got, applied(t, m))
		}
	})
}

// A contract that comes too early is neither marked nor begun, whether bun marks before
// or after, what comes before it is applied, and it goes on where it was once it may.
func TestEarlyContract(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		m := newMigrator(t, db, history(dropLength), migrate.WithMarkAppliedOnSuccess(false))
		first, err := bunmigrate.New(db, onlyFirst(), nil)
		must(t, err)
		_, err = first.Migrate(t.Context())
		must(t, err)
		_, err = db.ExecContext(t.Context(), "INSERT INTO tracks (id, length) VALUES (1, 2)")
		must(t, err)
		for range 2 {
			group, err := m.Migrate(t.Context())
			if !isRefused(err) || !strings.Contains(err.Error(), "migration 3 was not begun") {
				t.Fatalf("the error is %v, want a refusal", err)
			}
			if got := applied(t, m); got != "1 2" || !hasLength(t, db) {
				t.Fatalf("applied are %s, the column is there: %t", got, hasLength(t, db))
			}
			if len(group.Migrations) > 1 {
				t.Errorf("the group is %v", group)
			}
		}
		_, err = db.ExecContext(t.Context(), "UPDATE tracks SET length_ms = 2000")
		must(t, err)
		group, err := m.Migrate(t.Context())
		must(t, err)
		if got := strings.Join(namesOf(group.Migrations), " "); got != "3 4" || hasLength(t, db) {
			t.Errorf("at last %s were applied, the column is there: %t", got, hasLength(t, db))
		}
	})
}

func onlyFirst() *migrate.Migrations {
	ms := migrate.NewMigrations()
	ms.Add(history("").Sorted()[0])
	return ms
}

// A contract that fails is tried again, unless bun's own way was asked for. A database
// that cannot be read stops it without a refusal.
func TestContractThatFails(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		m := newMigrator(t, db, history("ALTER TABLE tracks DROP COLUMN nonsense"))
		for range 2 {
			group, err := m.Migrate(t.Context())
			if err == nil || isRefused(err) {
				t.Fatalf("the error is %v, want that of the migration", err)
			}
			if got := applied(t, m); got != "1 2" {
				t.Errorf("applied are %s, want 1 2", got)
			}
			if len(group.Migrations) == 0 || group.Migrations[len(group.Migrations)-1].Name != "3" {
				t.Errorf("the group is %v, want the failing one as its last", group)
			}
		}
		must(t, db.Close())
		if _, err := m.Migrate(t.Context()); err == nil || isRefused(err) {
			t.Errorf("the error of a closed database is %v", err)
		}
	})
}

// To run a migration by its name asks the gate too.
func TestRunMigration(t *testing.T) {
	t.Parallel()
	db := newDB(t, "sqlite")
	m := newMigrator(t, db, history(dropLength), migrate.WithUpsert(true))
	must(t, m.RunMigration(t.Context(), "1"))
	_, err := db.ExecContext(t.Context(), "INSERT INTO tracks (id, length) VALUES (1, 2)")
	must(t, err)
	if err := m.RunMigration(t.Context(), "3"); !isRefused(err) || !hasLength(t, db) {
		t.Errorf("the error is %v, want a refusal", err)
	}
	_, err = db.ExecContext(t.Context(), "UPDATE tracks SET length_ms = 2000")
	must(t, err)
	must(t, m.RunMigration(t.Context(), "3"))
	if hasLength(t, db) {
		t.Error("the column is there")
	}
}

// A contract that guards nothing is a mistake.
func TestMistakes(t *testing.T) {
	t.Parallel()
	db := newDB(t, "sqlite")
	_, err := bunmigrate.New(db, history(dropLength), []bunmigrate.Contract{
		{Migration: "3_drop", Transforms: []string{"x"}},
		{Migration: "3", Transforms: []string{"x"}},
		{Migration: "3_drop_length", Transforms: []string{"y"}},
		{Migration: "4"},
	})
	for _, want := range []string{`no migration "3_drop"`, "two contracts", `"4" names no transform`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	first := bunmigrate.Contract{Migration: "1", Transforms: []string{"x"}}
	m, err := bunmigrate.New(db, history(dropLength), []bunmigrate.Contract{first})
	must(t, err)
	must(t, m.Init(t.Context()))
	if _, err := m.Migrate(t.Context()); !isRefused(err) || applied(t, m) != "" {
		t.Errorf("the first of all: %v, applied are %q", err, applied(t, m))
	}
}
