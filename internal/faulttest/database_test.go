package faulttest

import (
	"testing"

	"github.com/uptrace/bun"

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
		"MariaDB":    func(t testing.TB) *database { return mariadbOn(t, testserver.SharedMariaDB(t)) },
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
