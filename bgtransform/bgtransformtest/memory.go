package bgtransformtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
)

// memory is an SQLite database in memory that several pools of connections
// share: one for each process of the app, and one for the test itself. It
// exists as long as the test's own connection is open.
//
// It is SQLite's memdb file system, not its shared cache: with a shared cache
// connections meet table locks that busy_timeout does not wait for.
type memory struct {
	name string
	db   *bun.DB // the test's own
	keep *sql.Conn
}

func newMemory(ctx context.Context) (*memory, error) {
	m := &memory{name: "/bgtransformtest-" + rand.Text()}
	c, err := m.connector()
	if err != nil {
		return nil, err
	}
	m.db = bun.NewDB(sql.OpenDB(c), sqlitedialect.New())
	if m.keep, err = m.db.DB.Conn(ctx); err != nil {
		return nil, errors.Join(err, m.db.Close())
	}
	return m, nil
}

// connector opens connections that behave like an app's with the settings
// that SQLite needs under several writers.
func (m *memory) connector() (driver.Connector, error) {
	return sqlite.NewConnector(m.uri() + "&_txlock=immediate&_pragma=busy_timeout(2000)")
}

func (m *memory) uri() string { return "file:" + m.name + "?vfs=memdb" }

// copy returns another database with the same content, page by page.
func (m *memory) copy(ctx context.Context) (*memory, error) {
	twin, err := newMemory(ctx)
	if err != nil {
		return nil, err
	}
	err = m.keep.Raw(func(c any) error {
		source, ok := c.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("this version of modernc.org/sqlite lacks backups")
		}
		backup, err := source.NewBackup(twin.uri())
		if err != nil {
			return err
		}
		_, err = backup.Step(-1)
		return errors.Join(err, backup.Finish())
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("copy the database: %w", err), twin.close())
	}
	return twin, nil
}

func (m *memory) close() error { return errors.Join(m.keep.Close(), m.db.Close()) }
