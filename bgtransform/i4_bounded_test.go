package bgtransform_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// statements collects the SQL that goes to the user's table.
type statements struct {
	mu  sync.Mutex
	all []string
}

func (s *statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *statements) AfterQuery(_ context.Context, ev *bun.QueryEvent) {
	if !strings.Contains(ev.Query, `"tracks"`) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, ev.Query)
}

// Only the last of many rows is pending: every statement still touches a
// bounded range of keys, found by the index.
func TestI4BoundedSparse(t *testing.T) {
	t.Parallel()
	for _, kind := range []bgtransform.Transform{toMS("x"), toMSBySQL("x")} {
		seen := &statements{}
		db := newDB(t, 20_000)
		exec(t, db, "UPDATE tracks SET length_ms = length * 1000 WHERE id < 20000")
		st := start(t, db.WithQueryHook(seen), quick(t), kind).untilState("x", bgtransform.StateComplete)
		if st.Rows != 1 || st.Batches < 400 {
			t.Errorf("%T: %d rows in %d batches, want 1 row in two passes of 200 batches or more", kind, st.Rows, st.Batches)
		}
		for _, query := range seen.all {
			checkBounded(t, db, query)
		}
	}
}

var bounds = regexp.MustCompile(`"id" > (\d+) AND "id" <= (\d+)`)

func checkBounded(t *testing.T, db *bun.DB, query string) {
	t.Helper()
	if strings.Contains(strings.ToUpper(query), "OFFSET") {
		t.Errorf("uses OFFSET: %s", query)
	}
	b := bounds.FindStringSubmatch(query)
	limited := strings.Contains(query, "LIMIT 100)") || strings.Contains(query, "1 = 0") || strings.HasPrefix(query, `SELECT max("id") FROM`)
	switch {
	case b == nil && !limited && !strings.Contains(query, `WHERE "id" <= 100 `):
		t.Errorf("is not bounded: %s", query)
	case b != nil:
		low, _ := strconv.Atoi(b[1])
		high, _ := strconv.Atoi(b[2])
		if high-low > 100 {
			t.Errorf("covers %d keys, want at most 100: %s", high-low, query)
		}
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		scan := strings.HasPrefix(detail, "SCAN track")
		if strings.Contains(detail, "TEMP B-TREE") || (scan && !strings.Contains(query, "LIMIT 100)") && !strings.Contains(query, "1 = 0")) {
			t.Errorf("plan %q: %s", detail, query)
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
