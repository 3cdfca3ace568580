package dbfaulttest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// key is the key of the row that is to blame. It is in the second batch.
const key = (reactionBatch + odd) * gap

// holdsRow opens a transaction of the app's on a connection with settings, which runs
// statements.
func (f *fault) holdsRow(statements ...string) bun.Conn {
	f.t.Helper()
	conn, err := f.admin.Conn(context.Background())
	must(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	exec(f.t, conn, statements...)
	return conn
}

// movesOnUnderASnapshot commits a write to a row that the batch's transaction, which
// began before, is about to write.
func (f *fault) movesOnUnderASnapshot() {
	exec(f.t, f.admin, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database()); END $$")
	f.db = f.p.open(f.t)
	f.cfg.LockTimeout = time.Hour
	var app bun.Conn
	f.strike = func() { app = f.holdsRow("BEGIN", fmt.Sprintf("UPDATE items SET ver = ver + 1 WHERE id = %d", key)) }
	f.during = func() {
		f.p.untilOneWaits(f.t, f.admin)
		exec(f.t, app, "COMMIT")
	}
}

// deadlocks asks for a row that the batch has locked, with one locked that it waits
// for. The batch is the one that the server ends.
func (f *fault) deadlocks() {
	f.cfg.LockTimeout = time.Hour
	begin := []string{"CREATE TABLE other (id bigint)"}
	if f.p.kind == postgres {
		begin = append(begin, "SET deadlock_timeout = '1h'", "BEGIN") // who looks for it ends itself
	} else {
		begin = append(begin, "BEGIN", "INSERT INTO other SELECT seq FROM seq_1_to_5000") // who has done less is ended
	}
	var app bun.Conn
	row := "SELECT id FROM items WHERE id = %d FOR UPDATE"
	f.strike = func() { app = f.holdsRow(append(begin, fmt.Sprintf(row, key))...) }
	f.during = func() {
		f.p.untilOneWaits(f.t, f.admin)
		exec(f.t, app, fmt.Sprintf(row, (reactionBatch+1)*gap), "ROLLBACK")
	}
}

// locksRows locks all rows of the second batch, or, where locks are not of rows, the
// database.
func (f *fault) locksRows() {
	lock := []string{"BEGIN", "SELECT id FROM items FOR UPDATE"}
	if f.p.kind == sqlite {
		lock = []string{"BEGIN IMMEDIATE"}
		hasty := f.p
		hasty.dsn = strings.Replace(hasty.dsn, "busy_timeout(10000)", "busy_timeout(100)", 1)
		f.db = hasty.open(f.t)
	}
	var app bun.Conn
	f.strike = func() { app = f.holdsRow(lock...) }
	f.mend = func() { exec(f.t, app, "ROLLBACK") }
}

// slowRow makes one row take longer to write than a statement may.
func (f *fault) slowRow() {
	f.cfg.StatementTimeout = 300 * time.Millisecond
	body := fmt.Sprintf("IF new.ver = old.ver AND new.id = %d THEN %%s; END IF;", key)
	if f.p.kind == postgres {
		exec(f.t, f.admin,
			"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+fmt.Sprintf(body, "PERFORM pg_sleep(60)")+" RETURN new; END $$",
			"CREATE TRIGGER slow BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION slow()")
		return
	}
	exec(f.t, f.admin, "CREATE TRIGGER slow BEFORE UPDATE ON items FOR EACH ROW BEGIN "+fmt.Sprintf(body, "DO sleep(60)")+" END")
}

// losesConnection ends the batch's connection while it writes.
func (f *fault) losesConnection() {
	f.cfg.LockTimeout = time.Hour
	var app bun.Conn
	f.strike = func() { app = f.holdsRow("BEGIN", fmt.Sprintf("SELECT id FROM items WHERE id = %d FOR UPDATE", key)) }
	f.during = func() {
		f.p.untilOneWaits(f.t, f.admin)
		if f.p.kind == postgres {
			exec(f.t, f.admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
		} else {
			exec(f.t, f.admin, fmt.Sprintf("KILL CONNECTION %d", innodbWaiting(f.t, f.admin)))
		}
		exec(f.t, app, "ROLLBACK")
	}
}

// constraint makes one row's new value one that another row has.
func (f *fault) constraint() {
	exec(f.t, f.admin,
		fmt.Sprintf("INSERT INTO items (id, src, dst) VALUES (1, %d, %d)", reactionBatch+odd, (reactionBatch+odd)*factor),
		"CREATE UNIQUE INDEX once ON items (dst)")
}

// overflow makes one row's new value one that does not fit into its column.
func (f *fault) overflow() {
	if f.p.kind == sqlite { // everything fits, so a trigger has to compute something
		exec(f.t, f.admin, fmt.Sprintf("CREATE TRIGGER overflow BEFORE UPDATE ON items WHEN new.id = %d BEGIN SELECT abs(-9223372036854775807 - 1); END", key))
		return
	}
	exec(f.t, f.admin,
		"ALTER TABLE items "+map[string]string{postgres: "ALTER dst TYPE int", mariadb: "MODIFY dst int"}[f.p.kind],
		fmt.Sprintf("UPDATE items SET src = 5000000 WHERE id = %d", key), "DELETE FROM audit")
}

// denied takes the right to write the app's table away from the engine.
func (f *fault) denied() {
	var database string
	must(f.t, f.admin.NewRaw("SELECT "+map[string]string{postgres: "current_database()", mariadb: "database()"}[f.p.kind]).Scan(context.Background(), &database))
	user, app := database, f.p // users are the server's, so this one is called as the database
	if f.p.kind == postgres {
		app.dsn = strings.Replace(app.dsn, "postgres://postgres@", "postgres://"+user+"@", 1)
		exec(f.t, f.admin, "CREATE ROLE "+user+" LOGIN", "GRANT ALL ON SCHEMA public TO "+user,
			"GRANT ALL ON ALL TABLES IN SCHEMA public TO "+user, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "+user)
	} else {
		app.dsn = user + strings.TrimPrefix(app.dsn, "root")
		user += "@'%'"
		exec(f.t, f.admin, "CREATE USER "+user, "GRANT SELECT, INSERT, DELETE ON "+database+".* TO "+user,
			"GRANT PROCESS ON *.* TO "+user) // or each pass waits for who may be writing
		// Sessions heed at once only what is said of a table, so all are there before.
		tables, err := store.New(f.admin)
		must(f.t, err)
		must(f.t, tables.Create(context.Background()))
		var names []string
		must(f.t, f.admin.NewRaw("SELECT table_name FROM information_schema.tables WHERE table_schema = database()").Scan(context.Background(), &names))
		for _, table := range names {
			exec(f.t, f.admin, "GRANT UPDATE ON "+table+" TO "+user)
		}
	}
	f.db = app.open(f.t)
	f.strike = func() { exec(f.t, f.admin, "REVOKE UPDATE ON items FROM "+user) }
	f.mend = func() { exec(f.t, f.admin, "GRANT UPDATE ON items TO "+user) }
}

// renamed gives the column that is written another name.
func (f *fault) renamed() {
	f.strike = func() { exec(f.t, f.admin, "ALTER TABLE items RENAME COLUMN dst TO gone") }
	f.mend = func() { exec(f.t, f.admin, "ALTER TABLE items RENAME COLUMN gone TO dst") }
}

// readOnly makes the database one that nobody may write.
func (f *fault) readOnly() {
	if f.p.kind == sqlite {
		f.db.SetMaxOpenConns(1) // the setting is the connection's
		f.strike = func() { exec(f.t, f.db, "PRAGMA query_only = 1") }
		f.mend = func() { exec(f.t, f.db, "PRAGMA query_only = 0") }
		return
	}
	if f.p.kind == mariadb {
		f.db = f.p.asAppUser(f.t, f.admin).open(f.t)
	}
	f.strike = func() { f.p.readOnly(f.t, f.admin, true) }
	f.mend = func() {
		f.p.readOnly(f.t, f.admin, false)
		f.admin = f.p.open(f.t) // its sessions may have been ended
	}
}
