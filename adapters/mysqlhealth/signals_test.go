package mysqlhealth_test

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/adapters/mysqlhealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/healthtest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// Each signal, on a real server, goes up for what it is there for, and down again.
func TestSignals(t *testing.T) {
	t.Parallel()
	m := testserver.StartMariaDB(t)
	dsn := m.Database(t)
	db := healthtest.Open(t, "mysql", dsn)
	my := mysqlhealth.New(db)
	healthtest.Exec(t, db, healthtest.CreateTracks, "INSERT INTO tracks SELECT seq, seq, NULL FROM seq_1_to_50")

	t.Run("threads running", func(t *testing.T) {
		s := my.ThreadsRunning(throttle.Bounds[int]{Slow: 1})
		healthtest.Becomes(t, s, throttle.Normal)
		one, other := healthtest.InBackground(db, "SELECT SLEEP(600)"), healthtest.InBackground(db, "SELECT SLEEP(600)")
		healthtest.Until(t, "both sleep", func() bool { return len(sleepers(t, db)) == 2 })
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Slow), " > 1")
		healthtest.Exec(t, db, sleepers(t, db)...)
		one()
		other()
		healthtest.Becomes(t, s, throttle.Normal)
	})
	t.Run("history list", func(t *testing.T) {
		s := my.HistoryList(throttle.Bounds[int]{Stop: 300})
		healthtest.Becomes(t, s, throttle.Normal)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM tracks").Scan(&n); err != nil {
			t.Fatal(err)
		}
		for range 10 { // transactions of one row each
			healthtest.Exec(t, db, "BEGIN NOT ATOMIC FOR i IN 1..100 DO UPDATE tracks SET length = length + 1 WHERE id = 1; END FOR; END")
		}
		healthtest.WantText(t, healthtest.Becomes(t, s, throttle.Stop), "history list ")
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		healthtest.Until(t, "what nobody reads any more is removed", func() bool {
			healthtest.Exec(t, db, "UPDATE tracks SET length = length + 1 WHERE id = 1") // which wakes up who does it
			r, err := s.Read(t.Context())
			return err == nil && r.Level == throttle.Normal
		})
	})
	t.Run("rights", func(t *testing.T) {
		healthtest.Exec(t, db, "CREATE USER app@'%'")
		server, _, _ := strings.Cut(dsn, "/")
		login := func() *mysqlhealth.Server {
			return mysqlhealth.New(healthtest.Open(t, "mysql", strings.Replace(server, "root@", "app@", 1)+"/"))
		}
		poor := login()
		healthtest.WantText(t, healthtest.Fails(t, poor.ReplicaLag(throttle.Bounds[time.Duration]{})), "GRANT REPLICA MONITOR")
		healthtest.WantText(t, healthtest.Fails(t, poor.HistoryList(throttle.Bounds[int]{})), "GRANT PROCESS TO it")
		healthtest.Becomes(t, poor.ThreadsRunning(throttle.Bounds[int]{}), throttle.Normal)
		healthtest.Exec(t, db, "GRANT PROCESS ON *.* TO app@'%'")
		healthtest.Becomes(t, login().HistoryList(throttle.Bounds[int]{}), throttle.Normal) // it is for new connections
	})
	t.Run("a batch that the app waits for", func(t *testing.T) { cancelled(t, db, my) })
}

// sleepers returns the statements that end those who sleep.
func sleepers(t *testing.T, db *sql.DB) (kills []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		kills = append(kills, "KILL "+strconv.Itoa(id))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return kills
}

// cancelled has the app wait for a batch, until that is critical.
func cancelled(t *testing.T, db *sql.DB, my *mysqlhealth.Server) {
	healthtest.Exec(t, db, "UPDATE tracks SET length = id")
	running := my.ThreadsRunning(throttle.Bounds[int]{Critical: 3})
	running.Every, running.Settle = 20*time.Millisecond, 40*time.Millisecond
	app := make(chan func(), 4)
	holding := &healthtest.Holding{SQL: healthtest.ToMS(), Locked: func() {
		for range 4 {
			app <- healthtest.InBackground(db, "UPDATE tracks SET length = 0 WHERE id = 1")
		}
	}}
	status := healthtest.Run(t, bun.NewDB(db, mysqldialect.New()), []throttle.Signal{running}, holding)
	for range 4 {
		(<-app)() // the app gets its lock, for the batch lets go of it
	}
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Quarantined != 0 || end.Attempt != 1 || end.Rows != 50 {
		t.Errorf("%d rows, %d in quarantine, attempt %d; want 50, 0 and 1", end.Rows, end.Quarantined, end.Attempt)
	}
	if cause := holding.Cause(); !errors.Is(cause, bgtransform.ErrCritical) {
		t.Errorf("the batch ended with the cause %v, want ErrCritical", cause)
	}
	var zero int64
	if err := db.QueryRowContext(t.Context(), "SELECT length_ms FROM tracks WHERE id = 1").Scan(&zero); err != nil || zero != 0 {
		t.Errorf("length_ms of the app's row is %d, error %v; want that of its length, 0", zero, err)
	}
}
