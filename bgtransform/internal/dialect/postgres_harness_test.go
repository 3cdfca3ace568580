package dialect_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// odd are settings of a session, each as it seldom is.
const odd = "&datestyle=German,DMY&intervalstyle=sql_standard&timezone=Asia/Kolkata&extra_float_digits=-15&bytea_output=escape&standard_conforming_strings=off"

// inMode has pgx send statements in another way than its default: exec and
// simple_protocol are used behind poolers like PgBouncer.
func inMode(mode string) string { return "&default_query_exec_mode=" + mode }

// pgDSN makes an empty database for the test.
func pgDSN(t testing.TB) string {
	t.Helper()
	return testserver.SharedPostgres(t).Database(t)
}

// pgConnect opens a database by its DSN.
func pgConnect(t testing.TB, dsn string) *bun.DB {
	t.Helper()
	conn, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetMaxOpenConns(8)
	db := bun.NewDB(conn, pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func pgNew(t testing.TB) *bun.DB {
	t.Helper()
	return pgConnect(t, pgDSN(t))
}

// pgColumn returns what the dialect finds of a column of a table.
func pgColumn(t testing.TB, db *bun.DB, table, name string) dialect.Column {
	t.Helper()
	cols, err := must2(dialect.For(db))(t).Columns(t.Context(), db, dialect.Table{Name: table, SQL: `"` + table + `"`})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cols {
		if c.Name == name {
			c.SQL = `"` + name + `"`
			return c
		}
	}
	t.Fatalf("table %s has no column %q", table, name)
	return dialect.Column{}
}

// must2 ends the test that its result is called with, if there is an error.
func must2[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// pgWrite runs an update as the engine does.
func pgWrite(t testing.TB, db *bun.DB, u dialect.Update) (n int, err error) {
	t.Helper()
	d := must2(dialect.For(db))(t)
	err = d.Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) (err error) {
		n, err = d.Write(ctx, tx, u)
		return err
	})
	return n, err
}

// wire returns the first column of a query as the server sends it in binary
// form: its bytes, told apart from NULL. Nothing that is ours has a part in it.
func wire(t testing.TB, db *bun.DB, query string) []string {
	t.Helper()
	var first []string
	for _, row := range wireRows(t, db, query) {
		first = append(first, row[0])
	}
	return first
}

// wireRows is wire for all columns.
func wireRows(t testing.TB, db *bun.DB, query string) [][]string {
	t.Helper()
	conn := must2(db.Conn(t.Context()))(t)
	defer func() { _ = conn.Close() }()
	var got [][]string
	err := conn.Raw(func(driver any) error {
		r := driver.(*stdlib.Conn).Conn().PgConn().ExecParams(t.Context(), query, nil, nil, nil, []int16{1})
		for r.NextRow() {
			row := make([]string, len(r.Values()))
			for i, v := range r.Values() {
				if row[i] = "NULL"; v != nil {
					row[i] = "=" + string(v)
				}
			}
			got = append(got, row)
		}
		_, err := r.Close()
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}
