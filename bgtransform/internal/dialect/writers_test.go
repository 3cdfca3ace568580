package dialect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// writers returns who has written to a table and is at it still.
func writers(t *testing.T, db *bun.DB, table string) []dialect.Writer {
	t.Helper()
	open, err := dialectOf(t, db).Writers(t.Context(), db, dialect.Limits{Statement: time.Minute}, dialect.Table{Name: table, SQL: table})
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// begun opens a transaction, which has done some statements, and ends with the test.
func begun(t *testing.T, db *bun.DB, statements ...string) bun.Tx {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, s := range statements {
		if _, err := tx.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return tx
}

func commit(t *testing.T, tx bun.Tx) {
	t.Helper()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestWriters(t *testing.T) {
	t.Parallel()
	// What others do on a server is in the list of MariaDB for a moment.
	alone := func(t *testing.T) string { return testserver.StartMariaDB(t).Database(t) }
	for name, open := range map[string]func(t *testing.T) *bun.DB{
		"pg":    func(t *testing.T) *bun.DB { return pgNew(t) },
		"mysql": func(t *testing.T) *bun.DB { return mariadbAt(t, alone(t)) },
		// The isolation that many apps choose.
		"mysql, read committed": func(t *testing.T) *bun.DB {
			return mariadbAt(t, alone(t), "tx_isolation='READ-COMMITTED'")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			exec(t, db, "CREATE TABLE rows_of (id int PRIMARY KEY, v int)")
			exec(t, db, "INSERT INTO rows_of VALUES (1, 1)")
			begun(t, db, "SELECT * FROM rows_of")
			begun(t, db, "SELECT * FROM rows_of WHERE id = 1 FOR UPDATE")
			if got := writers(t, db, "rows_of"); len(got) != 0 {
				t.Fatalf("those who only read are listed: %+v", got)
			}
			tx := begun(t, db, "INSERT INTO rows_of VALUES (2, 2)")
			got := writers(t, db, "rows_of")
			if len(got) != 1 || got[0].ID == "" || got[0].Who == "" || got[0].Age < 0 || got[0].Age > time.Minute {
				t.Fatalf("listed are %+v, want the one transaction that writes", got)
			}
			if again := writers(t, db, "rows_of"); len(again) != 1 || again[0].ID != got[0].ID {
				t.Errorf("it is now %+v, was %+v", again, got)
			}
			commit(t, tx)
			if got := writers(t, db, "rows_of"); len(got) != 0 {
				t.Errorf("listed are %+v, who has ended", got)
			}
		})
	}
}

// A table is written to under the names of its partitions too, and nobody waits for
// who has written to another.
func TestWritersOfPostgresByTable(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	for _, s := range []string{
		"CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)",
		"CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id)",
		"CREATE TABLE lowest PARTITION OF low FOR VALUES FROM (0) TO (5)",
		"CREATE TABLE other (id int PRIMARY KEY)",
		"CREATE SCHEMA elsewhere",
		"CREATE TABLE elsewhere.parted (id int)",
	} {
		exec(t, db, s)
	}
	begun(t, db, "INSERT INTO other VALUES (1)", "INSERT INTO elsewhere.parted VALUES (1)")
	if got := writers(t, db, "parted"); len(got) != 0 {
		t.Errorf("listed are %+v, who has written nothing to the table", got)
	}
	begun(t, db, "INSERT INTO other VALUES (2)", "UPDATE lowest SET v = 1")
	if got := writers(t, db, "parted"); len(got) != 1 {
		t.Errorf("listed are %+v, want who has written to a partition", got)
	}
}

// What is prepared belongs to no session any more, and commits whenever somebody
// says so.
func TestWritersThatArePrepared(t *testing.T) {
	t.Parallel()
	t.Run("pg", func(t *testing.T) {
		t.Parallel()
		server := testserver.StartPostgres(t, "max_prepared_transactions=4")
		db := pgConnect(t, server.Database(t))
		exec(t, db, "CREATE TABLE rows_of (id int PRIMARY KEY)")
		tx := begun(t, db, "INSERT INTO rows_of VALUES (1)", "PREPARE TRANSACTION 'two'")
		_ = tx.Rollback()
		got := writers(t, db, "rows_of")
		if len(got) != 1 || !strings.Contains(got[0].Who, "pg_prepared_xacts") || got[0].Age >= 0 {
			t.Fatalf("listed are %+v, want the prepared transaction", got)
		}
		var number string
		if err := db.QueryRowContext(t.Context(), "SELECT transaction FROM pg_prepared_xacts").Scan(&number); err != nil || number != got[0].ID {
			t.Errorf("its number is %q, %v; want %q", got[0].ID, err, number)
		}
		db.SetMaxIdleConns(0)
		server.Stop()
		server.Start()
		if after := writers(t, db, "rows_of"); len(after) != 1 || after[0].ID != got[0].ID {
			t.Errorf("after a restart of the server it is %+v, was %+v", after, got)
		}
		exec(t, db, "COMMIT PREPARED 'two'")
		if got := writers(t, db, "rows_of"); len(got) != 0 {
			t.Errorf("listed are %+v, who has ended", got)
		}
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		dsn := testserver.StartMariaDB(t).Database(t) // every other test on the server would wait for it
		db, other := mariadbAt(t, dsn), mariadbAt(t, dsn)
		exec(t, db, "CREATE TABLE rows_of (id int PRIMARY KEY)")
		other.SetMaxOpenConns(1)
		for _, s := range []string{"XA START 'two'", "INSERT INTO rows_of VALUES (1)", "XA END 'two'", "XA PREPARE 'two'"} {
			exec(t, other, s)
		}
		if got := writers(t, db, "rows_of"); len(got) != 1 {
			t.Fatalf("listed are %+v, want the prepared transaction", got)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for who := ""; !strings.Contains(who, "XA RECOVER"); { // the server notices by and by
			if ctx.Err() != nil {
				t.Fatalf("the prepared transaction is said to be of %s still", who)
			}
			got := writers(t, db, "rows_of")
			if len(got) != 1 {
				t.Fatalf("listed are %+v, want the prepared transaction", got)
			}
			who = got[0].Who
		}
		exec(t, db, "XA COMMIT 'two'")
		if got := writers(t, db, "rows_of"); len(got) != 0 {
			t.Errorf("listed are %+v, who has ended", got)
		}
	})
}

// Without the right to see them it says that it cannot, never that there are none.
func TestWritersUnseen(t *testing.T) {
	t.Parallel()
	dsn := testserver.SharedMariaDB(t).Database(t)
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db, name := mariadbAt(t, dsn), "few"+config.DBName[len(config.DBName)-12:]
	exec(t, db, "CREATE TABLE rows_of (id int PRIMARY KEY)")
	exec(t, db, "CREATE USER "+name+"@'%' IDENTIFIED BY 'secret'")
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP USER "+name+"@'%'") })
	exec(t, db, "GRANT ALL ON "+config.DBName+".* TO "+name+"@'%'")
	begun(t, db, "INSERT INTO rows_of VALUES (1)")
	config.User, config.Passwd = name, "secret"
	few := mariadbAt(t, config.FormatDSN())
	_, err = dialectOf(t, few).Writers(t.Context(), few, dialect.Limits{}, dialect.Table{Name: "rows_of", SQL: "rows_of"})
	if !errors.Is(err, dialect.ErrWritersUnseen) {
		t.Errorf("got %v, want %v", err, dialect.ErrWritersUnseen)
	}
}
