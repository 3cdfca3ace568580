package contract_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// Whoever writes holds everybody else up there; the change waits for its turn.
func TestSQLiteWaitsForTheOneWriter(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, sqlite)
	db.tracks(t, 10)
	hasty := connect(t, sqlite, strings.Replace(db.dsn, "5000", "10", 1))
	for name, c := range changes() {
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		_, err = tx.Tx.ExecContext(t.Context(), "UPDATE tracks SET title = 'x'")
		must(t, err)
		log, done := newRecord(), make(chan error, 1)
		go func() { done <- c.do(t.Context(), hasty, log.logger(), contract.LockTimeout(10*time.Millisecond)) }()
		log.until(t, "gives way", 2)
		must(t, tx.Rollback())
		must(t, <-done)
		if name != "Relax" && !c.done(t, db) { // the column that Relax was for may be gone
			t.Errorf("%s is not done", name)
		}
		db.exec(t, "DROP TABLE tracks")
		db.tracks(t, 10)
	}
}

// old is a SQLite from before ALTER COLUMN and ADD CONSTRAINT.
type old struct {
	driver driver.Driver
	dsn    string
}

func (o old) Driver() driver.Driver { return o.driver }

func (o old) Connect(context.Context) (driver.Conn, error) {
	conn, err := o.driver.Open(o.dsn)
	return &trapConn{conn, &trap{refuses: func(s string) error {
		if strings.Contains(s, " ALTER COLUMN ") || strings.Contains(s, " ADD CONSTRAINT ") {
			return errors.New(`SQL logic error: near "ALTER": syntax error (1)`)
		}
		return nil
	}}}, err
}

func TestAnOldSQLiteIsRefusedWithTheWay(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, sqlite)
	db.tracks(t, 3)
	aged := bun.NewDB(sql.OpenDB(old{db.Driver(), db.dsn}), sqlitedialect.New())
	defer func() { _ = aged.Close() }()
	for name, err := range map[string]error{
		"NotNull":  contract.NotNull(t.Context(), aged, "tracks", "length_ms", quiet()),
		"Relax":    contract.Relax(t.Context(), aged, "tracks", "length", quiet()),
		"AddCheck": contract.AddCheck(t.Context(), aged, contract.Check{Table: "tracks", Name: "fits", Expr: "length >= 0"}, quiet()),
	} {
		if !errors.Is(err, contract.ErrRefused) || !strings.Contains(err.Error(), "use a newer one") {
			t.Errorf("%s: error %v, want ErrRefused with the way", name, err)
		}
	}
	must(t, contract.DropColumn(t.Context(), aged, "tracks", "length", quiet()))
	if err := contract.CreateIndex(t.Context(), aged, contract.Index{Table: "tracks", Columns: []string{"length_ms"}, Where: "length_ms >"}, quiet()); err == nil || errors.Is(err, contract.ErrRefused) {
		t.Errorf("error %v of a condition that is no SQL, want the server's own", err)
	}
}
