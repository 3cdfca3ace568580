package dbfaulttest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// growing is a transform that needs room: 3 MB for 2000 rows.
func growing() bgtransform.SQL[Item] {
	return bgtransform.SQL[Item]{Name: name, Pending: "dst IS NULL", Set: "dst = src * 1000, pad = repeat('x', 1500)"}
}

// There is no room for what a batch writes: the batch is rolled back, the run waits,
// says so, blames no row, and goes on by itself when there is room again.
func TestI9DiskFull(t *testing.T) {
	t.Parallel()
	on(t, servers(), small, func(t *testing.T, p place) {
		const rows = 2000
		db := p.open(t)
		p.seed(t, db, 0)
		in := start(t, db, quick(t), growing())
		in.untilState(bgtransform.StateComplete) // its tables are there
		p.insert(t, db, 1, rows)
		free := p.fill(t, db)
		in.again()
		st := in.untilWhy(bgtransform.ReasonDatabase, map[string]string{postgres: "could not extend file", mariadb: "is full"}[p.kind])
		if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
			t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
		}
		const pending = "(SELECT count(*) FROM items WHERE id > 0 AND dst IS NULL)"
		if number(t, db, "SELECT "+pending) == 0 {
			t.Error("nothing is pending, though there was no room for all rows")
		}
		if got := number(t, db, "SELECT "+pending+" + (SELECT count(*) FROM audit)"); got != rows {
			t.Errorf("%d rows are pending or have been written, want %d: what a batch wrote was not rolled back", got, rows)
		}
		free()
		st = in.untilState(bgtransform.StateComplete)
		p.wantOnce(t, db, rows, st.Rows)
	})
}

// small starts a server whose tables cannot grow beyond some megabytes.
func small(t *testing.T, kind string) place {
	t.Helper()
	if kind == mariadb {
		// All tables, and what undoes a transaction, are in one file. It is the server
		// that lets it grow no more: one that the system refuses to let grow makes this
		// server abort.
		s := testserver.StartMariaDB(t, "innodb-file-per-table=0", "innodb-autoextend-increment=1", "innodb-data-file-path=ibdata1:12M:autoextend:max:28M")
		return place{kind, s.Database(t), s.Server}
	}
	// Half a page more than whole pages: the last one is written in part, as on a full disk.
	s := testserver.StartFullPostgres(t, 16<<20+4<<10, "autovacuum=off")
	return place{kind, s.Database(t), s.Server}
}

// fill leaves no room for the table of items to grow, until free is called.
func (p place) fill(t *testing.T, db *bun.DB) (free func()) {
	t.Helper()
	if p.kind == mariadb {
		exec(t, db, "CREATE TABLE filler (pad varchar(16000))")
		var err error
		for rows := 256; rows > 0; rows /= 4 { // a statement that failed leaves what it took to the next
			for err = nil; err == nil; {
				_, err = db.ExecContext(t.Context(), "INSERT INTO filler SELECT repeat('x', 7000) FROM seq_1_to_"+strconv.Itoa(rows))
			}
		}
		wantFull(t, err, "1114")
		return func() { exec(t, db, "DROP TABLE filler") }
	}
	exec(t, db, "ALTER TABLE items ALTER pad SET STORAGE PLAIN") // neither compressed nor elsewhere
	_, err := db.ExecContext(t.Context(), "INSERT INTO items (id, src, pad) SELECT -n, 0, repeat('x', 1900) FROM generate_series(1, 10000) AS n")
	wantFull(t, err, "53100")
	return func() { exec(t, db, "VACUUM items") } // takes away what the statement that failed has left
}

func wantFull(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), code) {
		t.Fatalf("%v, want error %s", err, code)
	}
}

// SQLite's own limit of a file's size.
func TestI9DatabaseFull(t *testing.T) {
	t.Parallel()
	const rows = 3000
	p := shared(t, sqlite)
	db := p.open(t)
	db.SetMaxOpenConns(1) // the limit is the connection's
	p.seed(t, db, rows)
	cfg := quick(t)
	var began bool
	transform := inGo()
	transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
		if !began {
			began = true
			allow(t, db, number(t, db, "PRAGMA page_count")+5)
		}
	})
	in := start(t, db, cfg, transform)
	st := in.until("no room", func(st bgtransform.Status) bool {
		return st.Why().Code == bgtransform.ReasonDatabase && strings.Contains(strings.ToLower(st.Why().Text), "full")
	})
	if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
		t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
	}
	allow(t, db, 1<<20)
	st = in.untilState(bgtransform.StateComplete)
	p.wantOnce(t, db, rows, st.Rows)
}

// allow lets the database grow to a number of pages.
func allow(t *testing.T, db *bun.DB, pages int64) {
	t.Helper()
	if got := number(t, db, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); got != pages {
		t.Errorf("max_page_count is %d, want %d", got, pages)
	}
}
