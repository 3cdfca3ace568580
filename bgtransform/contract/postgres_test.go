package contract_test

import (
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// The server itself says that it took the check as its proof and scanned nothing: for a
// table, and for each partition of one.
func TestSetNotNullDoesNotScan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		create string
		parts  []string
		scans  int
	}{
		"a table": {"CREATE TABLE tracks (id bigint PRIMARY KEY, length_ms bigint)", []string{"tracks"}, 1},
		"a table of partitions": {"CREATE TABLE tracks (id bigint PRIMARY KEY, length_ms bigint) PARTITION BY RANGE (id);" +
			"CREATE TABLE low PARTITION OF tracks FOR VALUES FROM (0) TO (100); CREATE TABLE high PARTITION OF tracks FOR VALUES FROM (100) TO (1000)", []string{"tracks", "low", "high"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, postgres)
			db.exec(t, test.create, "INSERT INTO tracks SELECT i, i FROM generate_series(1, 200) AS i")
			config, err := pgx.ParseConfig(db.dsn + "&client_min_messages=debug1")
			must(t, err)
			var mu sync.Mutex
			var notices []string
			config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, n.Message)
			}
			talking := bun.NewDB(stdlib.OpenDB(*config), pgdialect.New())
			defer func() { _ = talking.Close() }()
			must(t, contract.NotNull(t.Context(), talking, "tracks", "length_ms", quiet()))
			mu.Lock()
			said := strings.Join(notices, "\n")
			mu.Unlock()
			for _, part := range test.parts {
				proof := `existing constraints on column "` + part + `.length_ms" are sufficient to prove that it does not contain nulls`
				if !strings.Contains(said, proof) {
					t.Errorf("the server does not say %q:\n%s", proof, said)
				}
			}
			if got := strings.Count(said, "verifying table"); got != test.scans {
				t.Errorf("%d scans, want %d, for the check alone:\n%s", got, test.scans, said)
			}
			if got := db.one(t, "SELECT string_agg(attrelid::regclass::text, ' ' ORDER BY attrelid) FROM pg_attribute WHERE attname = 'length_ms' AND NOT attnotnull"); got != "" {
				t.Errorf("the column may be NULL in %s", got)
			}
			if got := db.one(t, "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'bgtransform%'"); got != "0" {
				t.Errorf("%s checks are left", got)
			}
		})
	}
}

// A check that proves it already, be it the user's, spares the scan, and stays.
func TestNotNullTakesACheckOfTheUsersOwn(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 5)
	db.exec(t, "ALTER TABLE tracks ADD CONSTRAINT mine CHECK (length_ms IS NOT NULL)")
	var seen []string
	db.trap.sees = func(s string) { seen = append(seen, s) }
	must(t, contract.NotNull(t.Context(), db.DB, "tracks", "length_ms", quiet()))
	if len(seen) != 1 || !strings.HasSuffix(seen[0], "SET NOT NULL") {
		t.Errorf("it ran %q, want SET NOT NULL alone", seen)
	}
	if !strings.Contains(db.schema(t), "mine true") {
		t.Errorf("the user's check is gone:\n%s", db.schema(t))
	}
}

// Rows that come between the look and the validation take everything back.
func TestANullThatComesMeanwhileTakesItBack(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 5)
	other := connect(t, postgres, db.dsn)
	tx, err := other.BeginTx(t.Context(), nil) // inserted before the check, committed after the look
	must(t, err)
	_, err = tx.Tx.ExecContext(t.Context(), "INSERT INTO tracks (id, length) VALUES (77, 1)")
	must(t, err)
	before := db.schema(t)
	log, done := newRecord(), make(chan error, 1)
	go func() { done <- contract.NotNull(t.Context(), db.DB, "tracks", "length_ms", log.logger()) }()
	log.until(t, "gives way", 1)
	must(t, tx.Commit())
	if err := <-done; !errors.Is(err, contract.ErrRows) {
		t.Errorf("error %v, want ErrRows", err)
	}
	if after := db.schema(t); after != before {
		t.Errorf("the schema was\n%s\nand is\n%s", before, after)
	}
}

// A check that is not validated is validated; one that rows stand against stays as the
// user has left it.
func TestACheckThatIsThereIsValidated(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 5)
	check := contract.Check{Table: "tracks", Name: "long enough", Expr: "length_ms > 0"}
	db.exec(t, `ALTER TABLE tracks ADD CONSTRAINT "long enough" CHECK (length_ms > 0) NOT VALID`)
	err := contract.AddCheck(t.Context(), db.DB, check, quiet())
	if !errors.Is(err, contract.ErrRows) || !strings.Contains(db.schema(t), "long enough false") {
		t.Errorf("error %v, want ErrRows and the check as it was:\n%s", err, db.schema(t))
	}
	db.exec(t, "DELETE FROM tracks WHERE length_ms = 0")
	must(t, contract.AddCheck(t.Context(), db.DB, check, quiet()))
	if !strings.Contains(db.schema(t), "long enough true") {
		t.Errorf("the check is not validated:\n%s", db.schema(t))
	}
}

func TestAnIndexOfThatNameThatIsAnotherIsRefused(t *testing.T) {
	t.Parallel()
	each(t, all(), func(t *testing.T, db *database) {
		db.tracks(t, 5)
		index := contract.Index{Table: "tracks", Name: "odd name", Columns: []string{"length_ms"}}
		must(t, contract.CreateIndex(t.Context(), db.DB, index, quiet()))
		before := db.schema(t)
		for what, change := range map[string]func(*contract.Index){
			"other columns":  func(i *contract.Index) { i.Columns = []string{"length"} },
			"more columns":   func(i *contract.Index) { i.Columns = []string{"length_ms", "length"} },
			"unique instead": func(i *contract.Index) { i.Unique = true },
		} {
			other := index
			change(&other)
			if err := contract.CreateIndex(t.Context(), db.DB, other, quiet()); !errors.Is(err, contract.ErrRefused) {
				t.Errorf("%s: error %v, want ErrRefused", what, err)
			}
		}
		if after := db.schema(t); after != before {
			t.Errorf("the schema was\n%s\nand is\n%s", before, after)
		}
		for range 2 {
			must(t, contract.DropIndex(t.Context(), db.DB, "tracks", "odd name", quiet()))
		}
		if strings.Contains(db.schema(t), "odd name") {
			t.Errorf("the index is still there:\n%s", db.schema(t))
		}
	})
}

func TestIndexesOfPartitionsAreRefusedWithTheWay(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.exec(t, "CREATE TABLE tracks (id bigint PRIMARY KEY, length bigint NOT NULL, length_ms bigint) PARTITION BY RANGE (id)",
		"CREATE TABLE low PARTITION OF tracks FOR VALUES FROM (0) TO (100)")
	err := contract.CreateIndex(t.Context(), db.DB, contract.Index{Table: "tracks", Columns: []string{"length_ms"}}, quiet())
	if !errors.Is(err, contract.ErrRefused) || !strings.Contains(err.Error(), "ATTACH PARTITION") {
		t.Errorf("error %v, want ErrRefused with the way to do it", err)
	}
	must(t, contract.CreateIndex(t.Context(), db.DB, contract.Index{Table: "low", Columns: []string{"length_ms"}}, quiet()))
	whole := contract.Index{Table: "tracks", Name: "whole", Columns: []string{"length_ms"}}
	db.exec(t, "CREATE INDEX whole ON ONLY tracks (length_ms)", "ALTER INDEX whole ATTACH PARTITION low_length_ms_idx")
	must(t, contract.CreateIndex(t.Context(), db.DB, whole, quiet()))
	must(t, contract.DropIndex(t.Context(), db.DB, "tracks", "whole", quiet()))
	if got := db.one(t, "SELECT count(*) FROM pg_class WHERE relname IN ('whole', 'low_length_ms_idx')"); got != "0" {
		t.Errorf("%s of the indexes are left", got)
	}
	if err := contract.DropColumn(t.Context(), db.DB, "low", "length", quiet()); !errors.Is(err, contract.ErrRefused) {
		t.Errorf("error %v, want ErrRefused: the column belongs to the parent", err)
	}
	must(t, contract.Relax(t.Context(), db.DB, "tracks", "length", quiet()))
	must(t, contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet()))
	if got := db.one(t, "SELECT count(*) FROM pg_attribute WHERE attname = 'length' AND attrelid = 'low'::regclass"); got != "0" {
		t.Error("the partition still has the column")
	}
}

// A pool of one connection cannot hold the lock that keeps two builds apart.
func TestAPoolOfOneConnectionIsAnError(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.tracks(t, 5)
	db.SetMaxOpenConns(1)
	err := changes()["CreateIndex"].do(t.Context(), db, quiet())
	if err == nil || !strings.Contains(err.Error(), "two connections") {
		t.Errorf("error %v, want one that names the pool", err)
	}
	must(t, contract.NotNull(t.Context(), db.DB, "tracks", "length_ms", quiet()))
}

// A partial index, in another schema, on a table and columns with odd names, by a session that is
// not in that schema.
func TestOddNamesInOtherSchemas(t *testing.T) {
	t.Parallel()
	const schema, table, old, moved = `My "schema"`, `Odd.table ? "x"`, `le'ngth %d`, `Länge "ms" $1`
	each(t, all(), func(t *testing.T, db *database) {
		q := func(name string) string {
			if db.kind == mariadb {
				return "`" + strings.ReplaceAll(name, "`", "``") + "`"
			}
			return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		name := schema
		switch db.kind {
		case postgres:
			db.exec(t, "CREATE SCHEMA "+q(schema))
		case mariadb:
			name = db.one(t, "SELECT database()") + " other"
			db.exec(t, "CREATE DATABASE "+q(name), "USE "+q(name))
			t.Cleanup(func() { _, _ = connect(t, mariadb, db.dsn).ExecContext(t.Context(), "DROP DATABASE "+q(name)) })
		default:
			db.SetMaxOpenConns(1)
			db.exec(t, "ATTACH ':memory:' AS "+q(schema))
		}
		from := q(name) + "." + q(table)
		db.exec(t, "CREATE TABLE "+from+" (id INTEGER PRIMARY KEY, "+q(old)+" INTEGER NOT NULL, "+q(moved)+" INTEGER)",
			"INSERT INTO "+from+" VALUES (1, 2, 3), (2, 2, 3)")
		in := []contract.Option{quiet(), contract.Schema(name)}
		index := contract.Index{Table: table, Name: `ix "?"`, Columns: []string{moved, "id"}, Unique: true}
		if db.kind != mariadb {
			index.Where = q(moved) + " > 0"
		}
		for range 2 {
			must(t, contract.NotNull(t.Context(), db.DB, table, moved, in...))
			must(t, contract.Relax(t.Context(), db.DB, table, old, in...))
			must(t, contract.CreateIndex(t.Context(), db.DB, index, in...))
		}
		if db.accepts(t, "INSERT INTO "+from+" VALUES (7, 7, NULL)") {
			t.Error("the new column still takes NULL")
		}
		if !db.accepts(t, "INSERT INTO "+from+" VALUES (7, NULL, 7)") {
			t.Error("the old column does not take NULL")
		}
		must(t, contract.DropColumn(t.Context(), db.DB, table, old, in...))
		must(t, contract.DropIndex(t.Context(), db.DB, table, index.Name, in...))
		if !db.accepts(t, "INSERT INTO "+from+" VALUES (7, 7)") {
			t.Error("the old column is still there")
		}
		if _, err := db.DB.DB.ExecContext(t.Context(), "SELECT "+q(moved)+" FROM "+from); errors.Is(err, sql.ErrNoRows) || err != nil {
			t.Error(err)
		}
	})
}
