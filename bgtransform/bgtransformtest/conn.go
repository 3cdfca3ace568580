package bgtransformtest

import (
	"context"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// connector makes the connections of a process.
type connector struct {
	driver.Connector
	p *process
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.p.alive(); err != nil {
		return nil, err
	}
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	base, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("bgtransformtest: this version of modernc.org/sqlite lacks commit hooks"), opened.Close())
	}
	one := &conn{sqliteConn: base, p: c.p}
	base.RegisterCommitHook(one.committing)
	return one, nil
}

// sqliteConn is what we use of the driver's connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	sqlite.HookRegisterer
}

// conn is a connection of a process. SQLite itself tells it of every commit,
// in a transaction or not. It is used by one goroutine at a time.
type conn struct {
	sqliteConn
	p    *process
	lost error // of the last commit, until a call has told of it
}

// committing is SQLite's commit hook: any result but 0 turns the commit into a
// rollback.
func (c *conn) committing() int32 {
	v := c.p.judge()
	c.lost = v.err
	if v.veto {
		return 1
	}
	return 0
}

// told is the error of a call that may have committed something.
func (c *conn) told(err error) error {
	lost := c.lost
	c.lost = nil
	if gone := c.p.alive(); gone != nil {
		return gone
	}
	if err == nil {
		return lost
	}
	return err
}

func (c *conn) ResetSession(ctx context.Context) error {
	if err := c.p.alive(); err != nil {
		return err
	}
	return c.sqliteConn.ResetSession(ctx)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.p.alive(); err != nil {
		return nil, err
	}
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.p.alive(); err != nil {
		return nil, err
	}
	res, err := c.sqliteConn.ExecContext(ctx, query, args)
	return res, c.told(err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.p.alive(); err != nil {
		return nil, err
	}
	rows, err := c.sqliteConn.QueryContext(ctx, query, args)
	if failed := c.told(err); failed != nil {
		if err == nil {
			failed = errors.Join(failed, rows.Close())
		}
		return nil, failed
	}
	return rows, nil
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.p.alive(); err != nil {
		return nil, err
	}
	t, err := c.sqliteConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return tx{Tx: t, c: c}, nil
}

// tx is a transaction of a process. A rollback is let through even when the
// process is dead: the database does it for those that are gone.
type tx struct {
	driver.Tx
	c *conn
}

func (t tx) Commit() error {
	if err := t.c.p.alive(); err != nil {
		return errors.Join(err, t.Tx.Rollback())
	}
	return t.c.told(t.Tx.Commit())
}
