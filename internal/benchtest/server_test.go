package benchtest_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// Track is the table that is transformed.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Title    string `bun:"title"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// server is a database server with one database.
type server struct {
	name string
	db   *bun.DB

	again func(tb testing.TB) *bun.DB // opens another pool of connections

	cpu func() time.Duration // what the server has spent; nil: nobody knows

	// series is a table expression that gives n the numbers from 1 to %d.
	series string
	// settle leaves the server as it is after a quiet time: with statistics,
	// and with nothing to clean up or to write back.
	settle []string
	// wrong is the condition of a row with a wrong length_ms.
	wrong string
}

// Table expressions that give n the numbers from 1 to %d.
const (
	postgresSeries = "generate_series(1, %d) AS n"
	mariadbSeries  = "(SELECT seq AS n FROM seq_1_to_%d) AS n"
)

// startPostgres starts a server with the memory of a small production server.
// Autovacuum sleeps: what it does to one way of several is not that way's fault.
func startPostgres(tb testing.TB) *server {
	tb.Helper()
	pg := testserver.StartPostgres(tb, "shared_buffers=1GB", "max_wal_size=4GB", "min_wal_size=2GB", "checkpoint_timeout=30min", "autovacuum=off")
	dsn := pg.Database(tb)
	return &server{
		name:   "PostgreSQL",
		db:     open(tb, "pgx", dsn),
		again:  func(tb testing.TB) *bun.DB { return open(tb, "pgx", dsn) },
		cpu:    pg.CPUTime,
		series: postgresSeries,
		settle: []string{"VACUUM (ANALYZE) tracks", "CHECKPOINT"},
		wrong:  "length_ms IS DISTINCT FROM length * 1000",
	}
}

func startMariaDB(tb testing.TB) *server {
	tb.Helper()
	m := testserver.StartMariaDB(tb, "innodb-buffer-pool-size=1G", "innodb-log-file-size=1G")
	dsn := m.Database(tb)
	return &server{
		name:   "MariaDB",
		db:     open(tb, "mysql", dsn),
		again:  func(tb testing.TB) *bun.DB { return open(tb, "mysql", dsn) },
		cpu:    m.CPUTime,
		series: mariadbSeries,
		settle: []string{"ANALYZE TABLE tracks"},
		wrong:  "NOT (length_ms <=> length * 1000)",
	}
}

func open(tb testing.TB, driver, dsn string) *bun.DB {
	tb.Helper()
	pool, err := sql.Open(driver, dsn)
	must(tb, err)
	tb.Cleanup(func() { _ = pool.Close() })
	if driver == "mysql" {
		return bun.NewDB(pool, mysqldialect.New())
	}
	return bun.NewDB(pool, pgdialect.New())
}

// fill makes the table anew, with rows of which none has been transformed.
func (s *server) fill(tb testing.TB, rows int) {
	tb.Helper()
	exec(tb, s.db,
		"DROP TABLE IF EXISTS tracks",
		"CREATE TABLE tracks (id BIGINT PRIMARY KEY, title VARCHAR(100) NOT NULL, length BIGINT NOT NULL, length_ms BIGINT)",
		"INSERT INTO tracks (id, title, length) SELECT n, concat('track number ', n), n % 600 FROM "+s.numbers(rows)+" ORDER BY n",
	)
	exec(tb, s.db, s.settle...)
}

func (s *server) numbers(n int) string { return strings.ReplaceAll(s.series, "%d", fmt.Sprint(n)) }

// check fails unless all rows up to the last one given are right.
func (s *server) check(tb testing.TB, way string, last int) {
	tb.Helper()
	if n := count(tb, s.db, fmt.Sprintf("SELECT count(*) FROM tracks WHERE id <= %d AND %s", last, s.wrong)); n != 0 {
		tb.Fatalf("%s: %d rows are wrong", way, n)
	}
}
