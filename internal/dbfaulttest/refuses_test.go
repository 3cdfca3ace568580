package dbfaulttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A database that takes no writes for a while costs no row and loses none: the
// status says what is wrong, and the run goes on by itself.
func TestI9ReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 500
		db, app := p.open(t), p.open(t)
		p.seed(t, db, rows)
		if p.kind == mariadb {
			p = p.asAppUser(t, db)
			app = p.open(t)
		}
		shut, said := make(chan struct{}), map[string]string{postgres: "read-only", mariadb: "read-only"}[p.kind]
		open := make(chan struct{})
		transform, calls := inGo(), 0
		transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
			if calls++; calls == 3 {
				shut <- struct{}{}
				<-open
			}
		})
		in := start(t, app, quick(t), transform)
		<-shut
		p.readOnly(t, db, true)
		close(open)
		st := in.untilWhy(bgtransform.ReasonDatabase, said)
		if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
			t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
		}
		p.readOnly(t, db, false)
		st = in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, p.open(t), rows, st.Rows)
	})
}

// readOnly makes the database read-only for those who are not its administrator, or
// ends that.
func (p place) readOnly(t testing.TB, db *bun.DB, on bool) {
	t.Helper()
	if p.kind == mariadb {
		exec(t, db, fmt.Sprintf("SET GLOBAL read_only = %t", on))
		return
	}
	// Sessions keep the setting that they began with, so they are ended, as in a
	// failover.
	conn, err := p.open(t).Conn(t.Context())
	must(t, err)
	defer func() { _ = conn.Close() }()
	exec(t, conn,
		"SET default_transaction_read_only = off",
		fmt.Sprintf("DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_read_only = %t', current_database()); END $$", on),
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

// asAppUser is the same database for a user that has no more rights than an app.
func (p place) asAppUser(t testing.TB, db *bun.DB) place {
	t.Helper()
	exec(t, db, "CREATE USER app@'%'", "GRANT ALL ON *.* TO app@'%'", "REVOKE SUPER, READ ONLY ADMIN ON *.* FROM app@'%'")
	p.dsn = "app" + p.dsn[len("root"):]
	return p
}

// An app may run all its transactions under a stricter isolation: what the database
// refuses for that is tried again.
func TestI2StrictIsolation(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"serializable", "repeatable read"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			p := shared(t, postgres) // MariaDB's default is repeatable read, and its serializable just locks
			const rows = 600
			db := p.open(t)
			exec(t, db, fmt.Sprintf("DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET default_transaction_isolation = %%L', current_database(), '%s'); END $$", level))
			db = p.open(t)
			p.seed(t, db, rows)
			cfg, w := quick(t), new(watcher)
			cfg.Observer = w
			cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 20, 20
			// The trigger makes the engine's transaction meet a write that was
			// committed after the transaction had begun.
			writes := &writers{t: t, p: p, db: p.open(t), rows: rows}
			exec(t, db,
				"CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN new; END $$",
				"CREATE TRIGGER dawdle BEFORE UPDATE ON items FOR EACH ROW WHEN (new.ver = old.ver AND new.id % 100 = 0) EXECUTE FUNCTION dawdle()")
			in := start(t, db, cfg, inSQL())
			stop := writes.run(3)
			met := func(end bgtransform.BatchEndInfo) bool { return bgtransform.ErrorType(end.Err) == "transient" }
			var earlier int64
			until(t, "a serialization failure", func() bool {
				earlier += in.again()
				return w.count(met) >= 2
			})
			stop()
			st, changed := p.finish(db, in)
			if st.Quarantined != 0 {
				t.Errorf("%d rows in quarantine", st.Quarantined)
			}
			p.wantRight(t, db, changed+earlier)
		})
	}
}

// A statement that is too slow gets a smaller range; a row that is too slow alone
// goes to quarantine, and the rest goes on.
func TestI4StatementTooSlow(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, p place) {
		const rows = 60
		db := p.open(t)
		p.seed(t, db, rows)
		const slow = "IF new.ver = old.ver AND new.id = 300 THEN %s; END IF;"
		if p.kind == postgres {
			exec(t, db,
				"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+fmt.Sprintf(slow, "PERFORM pg_sleep(60)")+" RETURN new; END $$",
				"CREATE TRIGGER slow BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION slow()")
		} else {
			exec(t, db, "CREATE TRIGGER slow BEFORE UPDATE ON items FOR EACH ROW BEGIN "+fmt.Sprintf(slow, "DO sleep(60)")+" END")
		}
		cfg := quick(t)
		cfg.StatementTimeout = 200 * time.Millisecond
		cfg.Limits.StartBatch, cfg.Limits.MaxBatch = 32, 32
		in := start(t, db, cfg, inSQL())
		in.until("everything done but the slow row", func(st bgtransform.Status) bool { return st.Rows == rows-1 })
		st := in.untilWhy(bgtransform.ReasonQuarantine, "")
		held, err := in.Control().Quarantined(t.Context(), name, 10)
		must(t, err)
		if st.Quarantined != 1 || len(held) != 1 || held[0].Key != "300" || held[0].Class != "too slow for the database" {
			t.Errorf("in quarantine are %+v, want row 300 for being slow", held)
		}
		exec(t, db, "DROP TRIGGER slow"+map[string]string{postgres: " ON items"}[p.kind])
		must(t, in.Control().Retry(context.Background(), name, bgtransform.By{Who: "test"}))
		st = in.until("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
		p.wantOnce(t, db, rows, st.Rows)
	})
}
