// Package benchtest_test measures bgtransform on real servers, against the loops
// that one would write by hand and against its own promises. The servers are
// private, and wait for the disk as a production server does.
//
//	go test -run '^$' -bench Backfill -benchtime 3x ./internal/benchtest
//
// The tables are small unless BENCH_ROWS says how many rows they have:
//
//	BENCH_ROWS=1000000 go test -run '^$' -bench Backfill -benchtime 3x -timeout 2h ./internal/benchtest
//
// What users wait for meanwhile, at how many requests a second, for how long:
//
//	BENCH_ROWS=2000000 BENCH_FOREGROUND_RATE=500 BENCH_FOREGROUND_SECONDS=20 //		go test -run '^$' -bench Foreground -benchtime 3x -timeout 2h ./internal/benchtest
package benchtest_test

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

// batchSize is how many rows a batch has, whoever does it.
const batchSize = 1000

// setting returns a number from the environment.
func setting(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s is %q; want a number of at least 1", name, text)
	}
	return n
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func exec(tb testing.TB, db bun.IDB, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

func count(tb testing.TB, db bun.IDB, query string) (n int64) {
	tb.Helper()
	must(tb, db.QueryRowContext(context.Background(), query).Scan(&n))
	return n
}
