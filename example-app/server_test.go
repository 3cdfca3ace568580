package main

import (
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// servers are the databases besides SQLite: a new, empty one of each, by its
// address as -db takes it.
func servers() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"PostgreSQL": func(t *testing.T) string { return testserver.SharedPostgres(t).Database(t) },
		"MariaDB":    func(t *testing.T) string { return mysqlAddress(testserver.SharedMariaDB(t).Database(t)) },
	}
}

// mysqlAddress turns the driver's spelling into a URL.
func mysqlAddress(dsn string) string {
	dsn, _, _ = strings.Cut(dsn, "?")
	return "mysql://" + strings.NewReplacer("tcp(", "", ")", "").Replace(dsn)
}

// onServers runs a test on each of them, with a Redis besides.
func onServers(t *testing.T, test func(t *testing.T, address string, env []string)) {
	for name, address := range servers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, address(t), []string{"REDIS_URL=" + testserver.SharedRedis(t).URL()})
		})
	}
}

// TestOnceOnServers is the README's command on a database server and a Redis, with
// simulated users.
func TestOnceOnServers(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, address string, env []string) {
		p := startOn(t, address, env, "-once", "-tracks", "20000")
		res := isComplete(t, p, -1)
		if res.Rows < 15_000 || res.Rows > 20_000 {
			t.Errorf("result %+v; want most of 20000 rows", res)
		}
		contains(t, p.stderr.String(), "the lease of transforms is in the Redis at", ": 0 wrong answers, 0 failed requests")
		contains(t, ask(t, address, 0), moveName+" is complete")
	})
}
