package contract_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// trap kills the connection of one statement that changes the schema, on the server,
// before or after it.
type trap struct {
	mu    sync.Mutex
	at    int // which statement, from 1; 0 is none
	after bool
	kill  func(id int64) error
	sees  func(statement string) // is told of those, and of KILL; may be nil

	refuses func(statement string) error // may be nil
	fired   bool
}

func (t *trap) set(at int, after bool, kill func(id int64) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at, t.after, t.kill, t.fired = at, after, kill, false
}

func (t *trap) hasFired() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fired
}

// due counts a statement, and returns what kills its connection; nil if it is not its turn.
func (t *trap) due(statement string) (kill func(id int64) error, after bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	verb, _, _ := strings.Cut(statement, " ")
	switch verb {
	case "ALTER", "CREATE", "DROP", "KILL":
	default:
		return nil, false
	}
	if t.sees != nil {
		t.sees(statement)
	}
	if verb == "KILL" {
		return nil, false
	}
	if t.at--; t.at != 0 {
		return nil, false
	}
	t.fired = true
	return t.kill, t.after
}

// trapping is a connector whose connections can be trapped.
type trapping struct {
	driver.Connector

	trap *trap
}

func (c trapping) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &trapConn{conn, c.trap}, nil
}

// trapConn hands everything through that both drivers can do.
type trapConn struct {
	driver.Conn

	trap *trap
}

func (c *trapConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	exec := func() (driver.Result, error) {
		return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	}
	if c.trap.refuses != nil {
		if err := c.trap.refuses(query); err != nil {
			return nil, err
		}
	}
	kill, after := c.trap.due(query)
	if kill == nil {
		return exec()
	}
	id, err := c.id(ctx)
	if err != nil {
		return nil, err
	}
	if !after {
		if err := kill(id); err != nil {
			return nil, err
		}
		return exec()
	}
	res, err := exec()
	return res, errors.Join(err, kill(id))
}

// id asks the server for the connection's number.
func (c *trapConn) id(ctx context.Context) (int64, error) {
	query := "SELECT connection_id()"
	if strings.Contains(fmt.Sprintf("%T", c.Conn), "stdlib") {
		query = "SELECT pg_backend_pid()"
	}
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return 0, err
	}
	value := []driver.Value{nil}
	if err := errors.Join(rows.Next(value), rows.Close()); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	var id int64
	_, err = fmt.Sscan(fmt.Sprint(value[0]), &id)
	return id, err
}

func (c *trapConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *trapConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c *trapConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

func (c *trapConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *trapConn) ResetSession(ctx context.Context) error {
	if resetter, ok := c.Conn.(driver.SessionResetter); ok {
		return resetter.ResetSession(ctx)
	}
	return nil
}

func (c *trapConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}
