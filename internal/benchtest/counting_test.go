package benchtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// openCounted opens a database through a driver that keeps what it is asked.
func openCounted(tb testing.TB, dsn string) (*bun.DB, *calls) {
	tb.Helper()
	config, err := pgx.ParseConfig(dsn)
	must(tb, err)
	c := new(calls)
	pool := sql.OpenDB(countingConnector{stdlib.GetConnector(*config), c})
	tb.Cleanup(func() { _ = pool.Close() })
	return bun.NewDB(pool, pgdialect.New()), c
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
	base, ok := conn.(pgxConn)
	if !ok {
		return nil, fmt.Errorf("a connection is a %T", conn)
	}
	return countingConn{base, c.c}, nil
}

// pgxConn is what database/sql uses of the driver's connection.
type pgxConn interface {
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
	pgxConn
	c *calls
}

func (c countingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.c.add("prepare " + query)
	return c.pgxConn.PrepareContext(ctx, query)
}

func (c countingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.c.add(query)
	return c.pgxConn.ExecContext(ctx, query, args)
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.c.add(query)
	return c.pgxConn.QueryContext(ctx, query, args)
}

func (c countingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.c.add("BEGIN")
	tx, err := c.pgxConn.BeginTx(ctx, opts)
	return countingTx{tx, c.c}, err
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
