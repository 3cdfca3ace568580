package benchtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// openCounted opens a PostgreSQL through a driver that keeps what it is asked.
func openCounted(tb testing.TB, dsn string) (*bun.DB, *calls) {
	tb.Helper()
	config, err := pgx.ParseConfig(dsn)
	must(tb, err)
	return countedPool(tb, stdlib.GetConnector(*config), pgdialect.New())
}

// openCountedMariaDB is openCounted for a MariaDB.
func openCountedMariaDB(tb testing.TB, dsn string) (*bun.DB, *calls) {
	tb.Helper()
	config, err := mysql.ParseDSN(dsn)
	must(tb, err)
	connector, err := mysql.NewConnector(config)
	must(tb, err)
	return countedPool(tb, connector, mysqldialect.New())
}

func countedPool(tb testing.TB, connector driver.Connector, dialect schema.Dialect) (*bun.DB, *calls) {
	tb.Helper()
	c := new(calls)
	pool := sql.OpenDB(countingConnector{connector, c})
	tb.Cleanup(func() { _ = pool.Close() })
	return bun.NewDB(pool, dialect), c
}

// calls are what a driver was asked, each of which is a trip to the server and back.
type calls struct {
	mu   sync.Mutex
	said []string
}

func (c *calls) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, what)
}

// take returns the calls since it was called last.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

type countingConnector struct {
	driver.Connector
	c *calls
}

func (c countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	base, ok := conn.(fullConn)
	if !ok {
		return nil, fmt.Errorf("a connection is a %T", conn)
	}
	return countingConn{base, c.c}, nil
}

// fullConn is what database/sql uses of both drivers' connections.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
}

type countingConn struct {
	fullConn
	c *calls
}

// IsValid implements [driver.Validator].
func (c countingConn) IsValid() bool {
	v, ok := c.fullConn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c countingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.c.add("prepare " + query)
	stmt, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	base, ok := stmt.(fullStmt)
	if !ok {
		return nil, fmt.Errorf("a statement is a %T", stmt)
	}
	return countingStmt{base, c.c, query}, nil
}

func (c countingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.fullConn.ExecContext(ctx, query, args)
	c.sent(query, err)
	return res, err
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.fullConn.QueryContext(ctx, query, args)
	c.sent(query, err)
	return rows, err
}

// sent counts a statement, unless the driver wants it to be prepared first.
func (c countingConn) sent(query string, err error) {
	if !errors.Is(err, driver.ErrSkip) {
		c.c.add(query)
	}
}

func (c countingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.c.add("BEGIN")
	tx, err := c.fullConn.BeginTx(ctx, opts)
	return countingTx{tx, c.c}, err
}

// fullStmt is what database/sql uses of a prepared statement.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type countingStmt struct {
	fullStmt
	c     *calls
	query string
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (s countingStmt) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := s.fullStmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (s countingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.c.add(s.query)
	return s.fullStmt.ExecContext(ctx, args)
}

func (s countingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.c.add(s.query)
	return s.fullStmt.QueryContext(ctx, args)
}

type countingTx struct {
	driver.Tx
	c *calls
}

func (t countingTx) Commit() error {
	t.c.add("COMMIT")
	return t.Tx.Commit()
}

func (t countingTx) Rollback() error {
	t.c.add("ROLLBACK")
	return t.Tx.Rollback()
}

// short lists calls one a line, each cut to what tells it from the others.
func short(said []string) string {
	var b strings.Builder
	for _, s := range said {
		fmt.Fprintf(&b, "\t%.100s\n", strings.Join(strings.Fields(s), " "))
	}
	return b.String()
}
