package testserver_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// What a server takes for the time moves with its clock, forward and back, also on
// connections that are open; waits for a length of time are not disturbed.
func TestClock(t *testing.T) {
	t.Parallel()
	clock := testserver.NewClock(t)
	for name, now := range map[string]func(context.Context) (time.Time, error){
		"PostgreSQL": asking(t, "pgx", testserver.StartPostgresBy(t, clock).DSN("postgres"),
			"SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint) FROM pg_sleep(0.01)"),
		"MariaDB": asking(t, "mysql", testserver.StartMariaDBBy(t, clock).DSN("mysql"),
			"SELECT CAST(unix_timestamp(sysdate()) AS signed) + sleep(0.01)"),
		"Redis": askingRedis(t, testserver.StartRedisBy(t, clock).Addr()),
	} {
		moved := time.Duration(0)
		for _, by := range []time.Duration{0, time.Hour, -2 * time.Hour, time.Hour} {
			clock.Jump(by)
			moved += by
			before := time.Now().Truncate(time.Second)
			got, err := now(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got = got.Add(-moved); got.Before(before.Add(-time.Second)) || got.After(time.Now().Add(time.Second)) {
				t.Errorf("%s: after a jump of %s, by %s in all, its time is %s from ours", name, by, moved, got.Sub(before))
			}
		}
	}
}

// asking returns a function that asks a database for the seconds of its clock.
func asking(t *testing.T, driver, dsn, query string) func(context.Context) (time.Time, error) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return func(ctx context.Context) (time.Time, error) {
		var seconds int64
		err := db.QueryRowContext(ctx, query).Scan(&seconds)
		return time.Unix(seconds, 0), err
	}
}

func askingRedis(t *testing.T, addr string) func(context.Context) (time.Time, error) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = rdb.Close() })
	return func(ctx context.Context) (time.Time, error) { return rdb.Time(ctx).Result() }
}
