package dialect_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// mariadb returns an empty database of the shared server. Options are added to
// its data source name, as in "interpolateParams=true".
func mariadb(t *testing.T, options ...string) *bun.DB {
	t.Helper()
	db := mariadbAt(t, testserver.SharedMariaDB(t).Database(t), options...)
	exec(t, db, "ALTER DATABASE CHARACTER SET utf8mb4")
	return db
}

// mariadbAt is one more pool of a database.
func mariadbAt(t *testing.T, dsn string, options ...string) *bun.DB {
	t.Helper()
	pool, err := sql.Open("mysql", strings.Join(append([]string{dsn}, options...), "&"))
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(4) // the server is shared
	db := bun.NewDB(pool, mysqldialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// describe returns the columns of a table as the catalog has them, quoted.
func describe(t *testing.T, db *bun.DB, table string, names ...string) []dialect.Column {
	t.Helper()
	all, err := dialectOf(t, db).Columns(t.Context(), db, dialect.Table{Name: table})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]dialect.Column{}
	for _, c := range all {
		c.SQL = "`" + strings.ReplaceAll(c.Name, "`", "``") + "`"
		byName[c.Name] = c
	}
	cols := make([]dialect.Column, len(names))
	for i, name := range names {
		c, ok := byName[name]
		if !ok {
			t.Fatalf("table %s has no column %q", table, name)
		}
		cols[i] = c
	}
	return cols
}

// read reads a column of one row as the engine does.
func read(t *testing.T, db *bun.DB, table string, c dialect.Column, id int) any {
	t.Helper()
	d := dialectOf(t, db)
	var raw any
	err := d.Bound(db).QueryRowContext(t.Context(), "SELECT "+d.Raw(c)+" FROM "+table+" WHERE id = "+dialect.Arg, id).Scan(&raw)
	if err != nil {
		t.Fatal(err)
	}
	return d.Load(c, raw)
}

// transact writes as the engine does, under limits of the server.
func transact(t *testing.T, db *bun.DB, u dialect.Update) (n int, err error) {
	t.Helper()
	d := dialectOf(t, db)
	err = d.Transact(t.Context(), db, dialect.Limits{}, func(ctx context.Context, tx bun.Tx) error {
		n, err = d.Write(ctx, tx, u)
		return err
	})
	return n, err
}
