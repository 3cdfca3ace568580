package bgtransform_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Clip has a key of one text, which is a UUID in the database.
type Clip struct {
	bun.BaseModel `bun:"table:clips,alias:clip"`

	ID       string `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// Side has a key of three columns, with few values in the first.
type Side struct {
	bun.BaseModel `bun:"table:sides,alias:side"`

	Disc     int64  `bun:"disc,pk"`
	Letter   string `bun:"letter,pk"`
	No       int64  `bun:"no,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// keyed is a table with one kind of key, and the transforms of its rows.
type keyed struct {
	table string
	fill  map[string][]string // by the kind of database; ? is the number of rows
	last  string              // the condition of the last row by key
	kinds func() map[string]bgtransform.Transform
}

const (
	fromSeries   = " FROM generate_series(1, ?) AS n"
	fromSequence = " FROM seq_1_to_?"
)

func keys() []keyed {
	return []keyed{
		{
			table: "tracks", last: "id = (SELECT max(id) FROM tracks AS m)",
			fill: map[string][]string{
				"pg": {
					"CREATE TABLE tracks (id int8 PRIMARY KEY, title text, length int8, length_ms int8)",
					"INSERT INTO tracks SELECT n, 'track ' || n, n, n * 1000" + fromSeries,
				},
				"mysql": {
					"CREATE TABLE tracks (id bigint PRIMARY KEY, title text, length bigint, length_ms bigint)",
					"INSERT INTO tracks SELECT seq, concat('track ', seq), seq, seq * 1000" + fromSequence,
				},
			},
			kinds: func() map[string]bgtransform.Transform {
				return map[string]bgtransform.Transform{"Rows": toMS("x"), "SQL": toMSBySQL("x")}
			},
		},
		{
			table: "clips", last: "id = (SELECT m FROM (SELECT id AS m FROM clips ORDER BY id DESC LIMIT 1) AS l)",
			fill: map[string][]string{
				"pg": {
					"CREATE TABLE clips (id uuid PRIMARY KEY, length int8, length_ms int8)",
					"INSERT INTO clips SELECT md5(CAST(n AS text))::uuid, n, n * 1000" + fromSeries,
				},
				"mysql": {
					"CREATE TABLE clips (id uuid PRIMARY KEY, length bigint, length_ms bigint)",
					"INSERT INTO clips SELECT insert(insert(md5(seq), 13, 1, '4'), 17, 1, '8'), seq, seq * 1000" + fromSequence,
				},
			},
			kinds: kindsOf(func(m *Clip) (int64, **int64) { return m.Length, &m.LengthMS }),
		},
		{
			table: "sides", last: "disc = 3 AND letter = 'b' AND no = (SELECT m FROM (SELECT max(no) AS m FROM sides WHERE disc = 3 AND letter = 'b') AS l)",
			fill: map[string][]string{
				"pg": {
					"CREATE TABLE sides (disc int8, letter text, no int8, length int8, length_ms int8, PRIMARY KEY (disc, letter, no))",
					"INSERT INTO sides SELECT n % 4, chr(CAST(97 + n / 4 % 2 AS int)), n, n, n * 1000" + fromSeries,
				},
				"mysql": {
					"CREATE TABLE sides (disc bigint, letter varchar(10), no bigint, length bigint, length_ms bigint, PRIMARY KEY (disc, letter, no))",
					"INSERT INTO sides SELECT seq % 4, char(97 + seq DIV 4 % 2), seq, seq, seq * 1000" + fromSequence,
				},
			},
			kinds: kindsOf(func(m *Side) (int64, **int64) { return m.Length, &m.LengthMS }),
		},
	}
}

// kindsOf returns both ready-made kinds of a model's transform.
func kindsOf[M any](columns func(m *M) (from int64, to **int64)) func() map[string]bgtransform.Transform {
	return func() map[string]bgtransform.Transform {
		return map[string]bgtransform.Transform{
			"Rows": bgtransform.Rows[M]{
				Name: "x", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
				Each: func(_ context.Context, m *M) error {
					from, to := columns(m)
					ms := from * 1000
					*to = &ms
					return nil
				},
			},
			"SQL": bgtransform.SQL[M]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"},
		}
	}
}

// Whether only the last row by key is pending, or all are: what the server reads
// for a batch are the rows of its range, a few times over, in the order of the key.
// Nothing is found by a scan, and no batch looks at what lies before its range.
func TestI4BoundedSparseOnServers(t *testing.T) {
	t.Parallel()
	const rows = "6000"
	for _, kind := range []string{"pg", "mysql"} {
		for _, k := range keys() {
			for name, transform := range k.kinds() {
				for pending, where := range map[string]string{"the last": k.last, "all": "1 = 1"} {
					if pending == "all" && k.table != "sides" {
						continue // how rows are written differs by the columns of the key
					}
					t.Run(strings.Join([]string{kind, k.table, name, pending}, " "), func(t *testing.T) {
						t.Parallel()
						d := newDatabase(t, kind)
						filled := d.open(t)
						for _, s := range k.fill[kind] {
							exec(t, filled, strings.ReplaceAll(s, "?", rows))
						}
						exec(t, filled, "UPDATE "+k.table+" SET length_ms = NULL WHERE "+where)
						exec(t, filled, map[string]string{"pg": "ANALYZE ", "mysql": "ANALYZE TABLE "}[kind]+k.table)
						pend := count(t, filled, "SELECT count(*) FROM "+k.table+" WHERE length_ms IS NULL")
						must(t, filled.Close())
						m := meterOf(t, d, k.table)
						st := m.run(t, transform)
						m.check(t, st, 6000)
						if left := count(t, d.open(t), "SELECT count(*) FROM "+k.table+" WHERE length_ms IS NULL OR length_ms <> length * 1000"); st.Rows != pend || left != 0 {
							t.Errorf("%d rows were done, %d are wrong; want %d and 0", st.Rows, left, pend)
						}
					})
				}
			}
		}
	}
}

// meter counts what a server reads for the statements of one pool.
type meter struct {
	d      database
	table  string
	pool   *bun.DB
	before reads
	after  reads
}

// reads are rows and index entries that were read.
type reads struct{ inOrder, scanned int64 }

const meterPool = 4

func meterOf(t *testing.T, d database, table string) *meter {
	t.Helper()
	m := &meter{d: d, table: table, pool: d.open(t)}
	m.pool.SetMaxOpenConns(meterPool)
	m.pool.SetMaxIdleConns(meterPool)
	if d.kind == "pg" {
		m.before = m.ofPostgres(t)
	}
	return m
}

// run runs a transform to its end on the pool, and looks at it through another.
func (m *meter) run(t *testing.T, transform bgtransform.Transform) bgtransform.Status {
	t.Helper()
	other := m.d.open(t)
	defer func() { _ = other.Close() }()
	outside, err := bgtransform.NewControl(other)
	must(t, err)
	in := start(t, m.pool, quick(t), transform)
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		if all, err := outside.Status(t.Context()); err == nil && len(all) == 1 && all[0].State.Settled() {
			m.estimate(t, transform)
			if m.d.kind == "mysql" { // a session that the stop cuts short takes its counts with it
				m.after = m.ofMariaDB(t)
			}
			in.stop()
			return all[0]
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("it never came to its end")
		}
	}
}

// estimate asks for what remains of the walk, as a run does every second.
func (m *meter) estimate(t *testing.T, transform bgtransform.Transform) {
	t.Helper()
	stepper, err := transform.Open(t.Context(), m.pool)
	must(t, err)
	var after string
	for range 2 { // of UUIDs one range does not tell how densely they stand
		step, err := stepper.Step(t.Context(), bgtransform.Request{After: after, Limit: 100})
		must(t, err)
		after = step.Cursor
	}
	remaining(t, stepper, after, 200)
}

// check fails if more was read than a few times the rows of a table of n, in each pass.
func (m *meter) check(t *testing.T, st bgtransform.Status, n int64) {
	t.Helper()
	if m.d.kind == "pg" {
		must(t, m.pool.Close()) // its sessions report what they have counted as they end
		m.after = m.ofPostgres(t)
	}
	got := reads{m.after.inOrder - m.before.inOrder, m.after.scanned - m.before.scanned}
	passes := int64(st.Pass)
	if batches := passes * n / 100; st.Batches < batches {
		t.Errorf("%d batches in %d passes, want %d", st.Batches, passes, batches)
	}
	if least, most := 2*passes*n, 8*passes*n; got.inOrder < least || got.inOrder > most {
		t.Errorf("read %d rows and index entries, want %d to %d", got.inOrder, least, most)
	}
	scans := int64(0)
	if m.d.kind == "mysql" { // to it, the keys of a range are a small table, which it scans
		scans = 6 * passes * n
	}
	if got.scanned > scans {
		t.Errorf("read %d rows by scans of tables, want %d at most", got.scanned, scans)
	}
}

// ofPostgres returns what was counted, once everybody else has gone: a session reports
// late, but no later than it ends.
func (m *meter) ofPostgres(t *testing.T) (r reads) {
	t.Helper()
	db := m.d.open(t)
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	deadline, tick := time.NewTimer(time.Minute), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") > 0 {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("somebody else stays connected")
		}
	}
	must(t, db.QueryRowContext(t.Context(), `SELECT seq_tup_read, (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid)
		FROM pg_stat_user_tables AS t WHERE relname = ?`, m.table).Scan(&r.scanned, &r.inOrder))
	return r
}

// ofMariaDB adds up what the sessions of the pool have counted.
func (m *meter) ofMariaDB(t *testing.T) (r reads) {
	t.Helper()
	for range meterPool {
		conn, err := m.pool.DB.Conn(t.Context())
		must(t, err)
		defer func() { _ = conn.Close() }() // not before: the next is to be another one
		for name, to := range map[string]*int64{
			"Handler_read_key": &r.inOrder, "Handler_read_next": &r.inOrder, "Handler_read_prev": &r.inOrder,
			"Handler_read_rnd_next": &r.scanned,
		} {
			var n int64
			must(t, conn.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE '"+name+"'").Scan(new(string), &n))
			*to += n
		}
	}
	return r
}
