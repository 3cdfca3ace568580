package faulttest

import (
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// database is where holders work and tests look.
type database struct {
	*bun.DB

	kind   string                   // a key of openers
	dsn    func(user string) string // for a process of that name
	server *testserver.Server
	audit  []string // statements that make the audit
}

// databases make a database of each kind, on the server that tests share.
func databases() map[string]func(testing.TB) *database {
	return map[string]func(testing.TB) *database{
		"PostgreSQL": func(t testing.TB) *database { return postgresOn(t, testserver.SharedPostgres(t)) },
	}
}

// eachLease runs a test on each kind of database, with the lease in Redis and in
// that database, side by side. Each has a database of its own, and a Redis.
func eachLease(t *testing.T, test func(t *testing.T, db *database, lease func(*order))) {
	t.Helper()
	for kind, start := range databases() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			t.Run("Redis lease", func(t *testing.T) {
				t.Parallel()
				test(t, start(t), via(testserver.StartRedis(t).Addr()))
			})
			t.Run("database lease", func(t *testing.T) {
				t.Parallel()
				test(t, start(t), func(*order) {})
			})
		})
	}
}

// onEach runs a test on each kind of database, side by side.
func onEach(t *testing.T, test func(t *testing.T, db *database)) {
	t.Helper()
	for kind, start := range databases() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func openPostgres(dsn string) (*bun.DB, error) {
	db, err := pool("pgx", dsn)
	if err != nil {
		return nil, err
	}
	return bun.NewDB(db, pgdialect.New()), nil
}

// postgresOn makes a database on a server. Its connections tell whose they are.
func postgresOn(t testing.TB, server *testserver.Postgres) *database {
	t.Helper()
	dsn := server.Database(t)
	db, err := openPostgres(dsn)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return &database{
		DB: db, kind: "postgres", server: server.Server,
		dsn: func(user string) string { return dsn + "&application_name=" + user },
		audit: []string{
			`CREATE TABLE audit (seq bigserial PRIMARY KEY, id bigint NOT NULL, value bigint, who text NOT NULL, tx bigint NOT NULL, attempt bigint)`,
			`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO audit (id, value, who, tx, attempt) VALUES (NEW.id, NEW.length_ms, current_setting('application_name'),
					txid_current(), (SELECT attempt FROM bgtransform_ranges WHERE name = '` + transform + `'));
				RETURN NEW;
			END $$`,
			`CREATE TRIGGER note AFTER UPDATE ON tracks FOR EACH ROW EXECUTE FUNCTION note()`,
		},
	}
}

// through has a holder reach its database through another address.
func (db *database) through(addr string) func(*order) {
	return func(o *order) { o.DSN = strings.Replace(o.DSN, db.server.Addr(), addr, 1) }
}
