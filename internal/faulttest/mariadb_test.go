package faulttest

import (
	"context"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func openMariaDB(dsn string) (*bun.DB, error) {
	db, err := pool("mysql", dsn)
	if err != nil {
		return nil, err
	}
	return bun.NewDB(db, mysqldialect.New()), nil
}

// mariadbOn makes a database on a server. Each process is a user of its own there,
// which is how the trigger knows it.
func mariadbOn(t testing.TB, server *testserver.MariaDB) *database {
	t.Helper()
	dsn := server.Database(t)
	db, err := openMariaDB(dsn)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return &database{
		DB: db, kind: "mariadb", server: server.Server,
		dsn: func(user string) string {
			for _, statement := range []string{"CREATE USER IF NOT EXISTS '" + user + "'@'%'", "GRANT ALL ON *.* TO '" + user + "'@'%'"} {
				_, err := db.DB.ExecContext(context.Background(), statement)
				must(t, err)
			}
			return strings.Replace(dsn, "root@", user+"@", 1)
		},
		audit: []string{
			`CREATE TABLE audit (seq bigint AUTO_INCREMENT PRIMARY KEY, id bigint NOT NULL, value bigint, who varchar(100) NOT NULL, attempt bigint)`,
			`CREATE TRIGGER note AFTER UPDATE ON tracks FOR EACH ROW
				INSERT INTO audit (id, value, who, attempt) VALUES (NEW.id, NEW.length_ms, substring_index(user(), '@', 1),
					(SELECT attempt FROM bgtransform_ranges WHERE name = '` + transform + `'))`,
		},
	}
}
