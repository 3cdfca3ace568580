package testserver_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// What is written to the primary arrives at its replica.
func TestReplicasFollow(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (driver, primary, replica string){
		"postgres": func(t *testing.T) (string, string, string) {
			p := testserver.StartPostgres(t)
			return "pgx", p.DSN("postgres"), testserver.StartPostgresReplica(t, p, "one").DSN("postgres")
		},
		"mariadb": func(t *testing.T) (string, string, string) {
			p := testserver.StartMariaDBPrimary(t)
			return "mysql", p.DSN("mysql"), testserver.StartMariaDBReplica(t, p).DSN("mysql")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, from, to := start(t)
			open := func(dsn string) *sql.DB {
				db, err := sql.Open(driver, dsn)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				return db
			}
			primary, replica := open(from), open(to)
			for _, statement := range []string{"CREATE TABLE followed (n int)", "INSERT INTO followed VALUES (7)"} {
				if _, err := primary.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, func() string {
				var n int
				if err := replica.QueryRowContext(context.Background(), "SELECT n FROM followed").Scan(&n); err != nil {
					return err.Error()
				}
				return strings.TrimPrefix(strconv.Itoa(n), "7")
			})
		})
	}
}
