package bgtransform_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
)

// statements collects the SQL on the user's table, with its values.
type statements struct {
	driver.Connector
	mu  sync.Mutex
	all []statement
}

type statement struct {
	query string
	args  []any
}

func (s *statements) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	return &listening{conn, s}, err
}

func (s *statements) note(query string, args []driver.NamedValue) {
	if !strings.Contains(query, `"tracks"`) {
		return
	}
	one := statement{query: query}
	for _, a := range args {
		one.args = append(one.args, a.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// listening is a connection whose statements are collected. Those that are
// prepared update one row by its key.
type listening struct {
	driver.Conn
	to *statements
}

func (l *listening) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	l.to.note(query, args)
	return l.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (l *listening) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	l.to.note(query, args)
	return l.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (l *listening) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return l.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

// Only the last of many rows is pending: every statement still touches a
// bounded range of keys, found by the index.
func TestI4BoundedSparse(t *testing.T) {
	t.Parallel()
	rows := int64(20_000)
	if raceEnabled {
		rows = 4000
	}
	for _, kind := range []bgtransform.Transform{toMS("x"), toMSBySQL("x")} {
		base, err := sqlite.NewConnector(dsn(filepath.Join(t.TempDir(), "test.db")))
		must(t, err)
		seen := &statements{Connector: base}
		db := bun.NewDB(sql.OpenDB(seen), sqlitedialect.New())
		t.Cleanup(func() { _ = db.Close() })
		seed(t, db, int(rows))
		exec(t, db, "UPDATE tracks SET length_ms = length * 1000 WHERE id < ?", rows)
		seen.all = nil
		in := start(t, db, quick(t), kind)
		st := in.untilState("x", bgtransform.StateComplete)
		in.stop()
		if passes := 2 * rows / 100; st.Rows != 1 || st.Batches < passes || int64(len(seen.all)) < 2*passes {
			t.Errorf("%T: %d rows in %d batches with %d statements, want 1 row in two passes, of %d batches or more together", kind, st.Rows, st.Batches, len(seen.all), passes)
		}
		for _, one := range seen.all {
			checkBounded(t, db, one)
		}
	}
}

// limitOf finds the LIMIT of a statement, or of its innermost part.
var limitOf = regexp.MustCompile(`LIMIT (\d+)(?:$|\) AS)`)

// checkBounded fails unless a statement is bounded by a LIMIT of at most 100,
// or by two keys that lie at most 100 apart, and is served by the index.
func checkBounded(t *testing.T, db *bun.DB, s statement) {
	t.Helper()
	if query := strings.ToUpper(s.query); strings.Contains(query, "OFFSET") || strings.Contains(query, "TEMP") {
		t.Errorf("is not bounded: %s", s.query)
	}
	limited := false
	if m := limitOf.FindStringSubmatch(s.query); m != nil {
		n, err := strconv.Atoi(m[1])
		must(t, err)
		limited = n <= 100
	}
	single := strings.Contains(s.query, "1 = 0")
	switch {
	case limited || single:
	case strings.Contains(s.query, `"id" > ? AND "id" <= ?`):
		if width := s.args[1].(int64) - s.args[0].(int64); width > 100 {
			t.Errorf("covers %d keys, want at most 100: %s", width, s.query)
		}
	case strings.Contains(s.query, `WHERE "id" <= ?`):
		if s.args[0].(int64) > 100 {
			t.Errorf("covers %d keys, want at most 100: %s", s.args[0], s.query)
		}
	default:
		t.Errorf("is not bounded: %s", s.query)
	}
	rows, err := db.DB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.query, s.args...)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		scan := strings.HasPrefix(detail, "SCAN track")
		if strings.Contains(detail, "TEMP B-TREE") || (scan && !limited && !single) {
			t.Errorf("plan %q: %s", detail, s.query)
		}
	}
	must(t, rows.Err())
}

// A batch that takes too long is cancelled, and tried again with fewer keys.
func TestI4BoundedBatchTimeout(t *testing.T) {
	t.Parallel()
	db := newDB(t, 40)
	r := toMS("x")
	each := r.Each
	r.Each = nil
	r.Batch = func(ctx context.Context, ms []*Track) error {
		if len(ms) > 10 {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for _, m := range ms {
			_ = each(ctx, m)
		}
		return nil
	}
	watch := &recorder{}
	cfg := quick(t)
	cfg.BatchTimeout, cfg.Observer = 50*time.Millisecond, watch
	st := start(t, db, cfg, r).untilState("x", bgtransform.StateComplete)
	if st.Rows != 40 || st.Quarantined != 0 {
		t.Errorf("%d rows, %d in quarantine; want 40 and 0", st.Rows, st.Quarantined)
	}
	if first := watch.all()[0]; !errors.Is(first.Err, bgtransform.ErrOverran) || bgtransform.ErrorType(first.Err) != "timeout" {
		t.Errorf("the first batch ended with %v, want %v", first.Err, bgtransform.ErrOverran)
	}
}

// A cursor that does not move is an error, not a loop.
func TestI4BoundedStuckCursor(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	stuck := custom{name: "stuck", step: func(context.Context, bgtransform.Request) (bgtransform.Step, error) {
		return bgtransform.Step{Cursor: "here", Keys: 1}, nil
	}}
	st := start(t, db, quick(t), stuck).untilState("stuck", bgtransform.StateFailed)
	if !strings.Contains(st.Reason.Text, "cursor did not move") {
		t.Errorf("reason is %q", st.Reason.Text)
	}
}

// custom is a kind of transform made of functions.
type custom struct {
	name string
	open func(ctx context.Context) error
	step func(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error)
}

func (c custom) Definition() bgtransform.Definition { return bgtransform.Definition{Name: c.name} }

func (c custom) Open(ctx context.Context, _ *bun.DB) (bgtransform.Stepper, error) {
	if c.open != nil {
		return c, c.open(ctx)
	}
	return c, nil
}

func (c custom) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	return c.step(ctx, req)
}

// A row's code that hangs and ignores its context costs that row alone.
func TestI4BoundedHungRow(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	r := toMS("x")
	each := r.Each
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	var hung atomic.Bool
	r.Each = func(ctx context.Context, m *Track) error {
		if m.ID == 4 {
			hung.Store(true)
			<-hang
		}
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.RowTimeout = 20 * time.Millisecond
	st := start(t, db, cfg, r).untilReason("x", bgtransform.ReasonQuarantine)
	if !hung.Load() || st.Rows != 9 || st.Quarantined != 1 {
		t.Errorf("%d rows, %d in quarantine; want 9 and 1", st.Rows, st.Quarantined)
	}
}
