package bgtransform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"
)

// rowTimeout is what user code has for one row in these tests.
const rowTimeout = 10 * time.Second

// each runs fn for n rows in a bubble, which fails the test when a goroutine
// is left behind, and returns the classes of what went wrong with the rows.
func eachInBubble(t *testing.T, n, parallel int, fn func(ctx context.Context, i int) error, check func(classes map[int]string, failures []*failure, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		failures, _, err := newTestCaller().each(t.Context(), n, parallel, 0, fn)
		check(classesOf(failures), failures, err)
	})
}

func newTestCaller() *caller {
	return newCaller(withBounds(context.Background(), bounds{row: rowTimeout}))
}

func classesOf(failures []*failure) map[int]string {
	classes := map[int]string{}
	for i, f := range failures {
		if f != nil {
			classes[i] = f.class
		}
	}
	return classes
}

// hang ignores its context until the test lets it go.
func hang(release <-chan struct{}) error {
	<-release
	return nil
}

func TestFailureOfOneRowLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 2, 7, 100} {
		var calls atomic.Int64
		eachInBubble(t, 20, parallel, func(_ context.Context, i int) error {
			calls.Add(1)
			switch i {
			case 3:
				return errors.New("bad row")
			case 5:
				panic("row 5")
			case 7:
				_ = []int{}[i]
			case 11:
				runtime.Goexit()
			case 13:
				return &fs.PathError{Op: "open", Path: "secret", Err: fs.ErrNotExist}
			case 14:
				panic(nil) //nolint:govet // user code may do that, and must not get past us
			case 19:
				runtime.Goexit()
			}
			return nil
		}, func(classes map[int]string, failures []*failure, err error) {
			if err != nil {
				t.Errorf("%d in parallel: each = %v, want nil", parallel, err)
			}
			want := map[int]string{3: "error", 5: "panic", 7: "panic", 11: "exit", 13: "*fs.PathError", 14: "panic", 19: "exit"}
			if diff := cmp.Diff(want, classes); diff != "" {
				t.Errorf("%d in parallel (-want +got):\n%s", parallel, diff)
			}
			if text := failures[5].err.Error(); !strings.Contains(text, "row 5") || !strings.Contains(text, "rows_call_test.go") {
				t.Errorf("the failure of a panic keeps neither its value nor its stack: %s", text)
			}
			if n := calls.Load(); n != 20 {
				t.Errorf("%d in parallel: %d calls, want one for each of 20 rows", parallel, n)
			}
		})
	}
}

func TestEachCallsRowsInOrderWithinALine(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		var mu sync.Mutex
		lines := make([][]int, parallel)
		eachInBubble(t, 10, parallel, func(_ context.Context, i int) error {
			mu.Lock()
			defer mu.Unlock()
			lines[i%parallel] = append(lines[i%parallel], i)
			return nil
		}, func(classes map[int]string, _ []*failure, err error) {
			if err != nil || len(classes) != 0 {
				t.Errorf("each = %v, %v", classes, err)
			}
			for first, got := range lines {
				if !slices.IsSorted(got) || got[0] != first {
					t.Errorf("line %d of %d was called for %v", first, parallel, got)
				}
			}
		})
	}
}

func TestEachRunsAsManyLinesAsAsked(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			start := time.Now()
			_, _, err := newTestCaller().each(t.Context(), 9, parallel, 0, func(context.Context, int) error {
				most.Store(max(most.Load(), now.Add(1)))
				<-time.After(time.Second)
				now.Add(-1)
				return nil
			})
			if err != nil || most.Load() > int64(parallel) {
				t.Errorf("each = %v with %d calls at once, want at most %d", err, most.Load(), parallel)
			}
			if want := 9 * time.Second / time.Duration(parallel); time.Since(start) != want {
				t.Errorf("9 calls of 1 s in %d lines took %s, want %s", parallel, time.Since(start), want)
			}
		})
	}
}

func TestEachWithoutRows(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 4} {
		eachInBubble(t, 0, parallel, func(context.Context, int) error { panic("called") }, func(classes map[int]string, _ []*failure, err error) {
			if err != nil || len(classes) != 0 {
				t.Errorf("each = %v, %v; want nothing", classes, err)
			}
		})
	}
}

func TestRowThatTakesTooLongIsToldAndBlamed(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		var causes sync.Map
		eachInBubble(t, 6, parallel, func(ctx context.Context, i int) error {
			if i == 2 || i == 5 {
				<-ctx.Done()
				causes.Store(i, context.Cause(ctx))
				return fmt.Errorf("call the API: %w", ctx.Err())
			}
			return ctx.Err()
		}, func(classes map[int]string, _ []*failure, err error) {
			if err != nil {
				t.Errorf("%d in parallel: each = %v, want nil", parallel, err)
			}
			if diff := cmp.Diff(map[int]string{2: "timeout", 5: "timeout"}, classes); diff != "" {
				t.Errorf("%d in parallel (-want +got):\n%s", parallel, diff)
			}
			for _, i := range []int{2, 5} {
				if cause, ok := causes.Load(i); !ok || !errors.Is(cause.(error), errRowTimeout) {
					t.Errorf("the cause of row %d's context is %v, want %v", i, cause, errRowTimeout)
				}
			}
		})
	}
}

func TestSlowRowsAreNotTimedOutTogether(t *testing.T) {
	t.Parallel()
	eachInBubble(t, 50, 1, func(ctx context.Context, _ int) error {
		<-time.After(rowTimeout - time.Millisecond)
		return ctx.Err()
	}, func(classes map[int]string, _ []*failure, err error) {
		if err != nil || len(classes) != 0 {
			t.Errorf("each = %v, %v; want every row to have the whole timeout for itself", classes, err)
		}
	})
}

func TestRowThatHangsIsLeftBehind(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var after atomic.Int64
			start := time.Now()
			failures, _, err := newTestCaller().each(t.Context(), 40, parallel, 0, func(_ context.Context, i int) error {
				if i == 8 {
					return hang(release)
				}
				after.Add(1)
				return nil
			})
			if diff := cmp.Diff(map[int]string{8: "timeout"}, classesOf(failures)); diff != "" || err != nil {
				t.Errorf("%d in parallel: %v (-want +got):\n%s", parallel, err, diff)
			}
			if took := time.Since(start); took != rowTimeout+leeway {
				t.Errorf("a hung row held the others up for %s, want %s", took, rowTimeout+leeway)
			}
			if n := after.Load(); n != 39 {
				t.Errorf("%d other rows were called, want 39", n)
			}
			close(release) // what was left behind ends, and goes on to no other row
			synctest.Wait()
			if n := after.Load(); n != 39 {
				t.Errorf("the worker that was left behind went on: %d rows were called, want 39", n)
			}
		})
	}
}

func TestTooManyHungRowsEndTheAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		c := newTestCaller()
		var calls atomic.Int64
		hung := func(context.Context, int) error { calls.Add(1); return hang(release) }
		if _, _, err := c.each(t.Context(), maxAbandoned-1, 1, 0, hung); err != nil {
			t.Errorf("after %d hung rows: %v, want nil", maxAbandoned-1, err)
		}
		if _, done, err := c.each(t.Context(), 100, 1, 0, hung); err != nil || done != 1 || !c.exhausted() {
			t.Errorf("after %d hung rows: %v, want errAbandoned", maxAbandoned, err)
		}
		if n := calls.Load(); n != maxAbandoned {
			t.Errorf("%d goroutines were left behind, want %d", n, maxAbandoned)
		}
	})
}

// An exit of the goroutine leaves nothing behind: it is the row's failure only,
// however many rows do it.
func TestExitsAreNotCountedAsHung(t *testing.T) {
	t.Parallel()
	eachInBubble(t, 5*maxAbandoned, 1, func(context.Context, int) error {
		runtime.Goexit()
		return nil
	}, func(classes map[int]string, _ []*failure, err error) {
		if err != nil || len(classes) != 5*maxAbandoned {
			t.Errorf("each = %d failures, %v; want %d and nil", len(classes), err, 5*maxAbandoned)
		}
	})
}

// A row that comes to its end just as it is given up is either done or too
// late; no other row is blamed, and nothing crashes.
func TestRowThatEndsAsItIsGivenUp(t *testing.T) {
	t.Parallel()
	for late := range 2 {
		crashes, blamed := 0, 0
		for range 2000 {
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if recover() != nil {
						crashes++
					}
				}()
				failures, _, err := newTestCaller().each(t.Context(), 2, 1, 0, func(_ context.Context, i int) error {
					if i == late {
						<-time.After(rowTimeout + leeway)
					}
					return nil
				})
				if err != nil || failures[1-late] != nil {
					blamed++
				}
			})
		}
		if crashes+blamed > 0 {
			t.Errorf("row %d of 2 ends as it is given up, 2000 times: %d crashes, %d times the other row is blamed", late, crashes, blamed)
		}
	}
}

func TestCancelIsNoRowsFault(t *testing.T) {
	t.Parallel()
	cause := errors.New("the window closed")
	for _, parallel := range []int{1, 3} {
		for name, react := range map[string]func(ctx context.Context) error{
			"returns the context's error": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"returns an error of its own": func(ctx context.Context) error { <-ctx.Done(); return errors.New("call failed") },
			"panics":                      func(ctx context.Context) error { <-ctx.Done(); panic("cancelled") },
			"ends its goroutine":          func(ctx context.Context) error { <-ctx.Done(); runtime.Goexit(); return nil },
			"takes no notice for a while": func(ctx context.Context) error { <-ctx.Done(); <-time.After(leeway / 2); return nil },
		} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(time.Second, func() { cancel(cause) }).Stop()
				var calls atomic.Int64
				failures, _, err := newTestCaller().each(ctx, 10, parallel, 0, func(ctx context.Context, _ int) error {
					calls.Add(1)
					return react(ctx)
				})
				if !errors.Is(err, cause) {
					t.Errorf("code that %s: each = %v, want the cause", name, err)
				}
				if classes := classesOf(failures); len(classes) != 0 {
					t.Errorf("code that %s is blamed when its batch is cancelled: %v", name, classes)
				}
				if n := calls.Load(); n != int64(parallel) {
					t.Errorf("code that %s: %d rows were called, want %d: none after the cancel", name, n, parallel)
				}
			})
		}
	}
}

func TestCancelDoesNotWaitForCodeThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(time.Second, func() { cancel(ErrStopped) }).Stop()
		start := time.Now()
		_, _, err := newTestCaller().each(ctx, 4, 2, 0, func(context.Context, int) error { return hang(release) })
		if !errors.Is(err, ErrStopped) || time.Since(start) != time.Second+leeway {
			t.Errorf("each = %v after %s, want ErrStopped after %s", err, time.Since(start), time.Second+leeway)
		}
	})
}

func TestEachInAnEndedContextCallsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(ErrStopped)
		_, _, err := newTestCaller().each(ctx, 5, 2, 0, func(context.Context, int) error { panic("called") })
		if !errors.Is(err, ErrStopped) {
			t.Errorf("each = %v, want the cause", err)
		}
	})
}

func TestRowTimeoutComesFromTheRunnerOrTheDefault(t *testing.T) {
	t.Parallel()
	if got := newTestCaller().timeout; got != rowTimeout {
		t.Errorf("the timeout is %s, want %s", got, rowTimeout)
	}
	if got, want := newCaller(t.Context()).timeout, (Config{}).withDefaults().RowTimeout; got != want {
		t.Errorf("without a runner the timeout is %s, want the default %s", got, want)
	}
}

type counted struct {
	ID int64 `bun:"id,pk"`
	N  int64 `bun:"n"`
}

// When a batch function fails for several rows it is called again for each, and
// must be given each as it is in the database, not as the failed call left it.
func TestBatchIsCalledAgainWithRowsAsTheyWereRead(t *testing.T) {
	t.Parallel()
	conn, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	conn.SetMaxOpenConns(1)
	db := bun.NewDB(conn, sqlitedialect.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE counteds (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO counteds VALUES (1, 1), (2, 1), (3, 1)"); err != nil {
		t.Fatal(err)
	}
	rows := Rows[counted]{Name: "x", Pending: "n < 5", Writes: []string{"n"}, Batch: func(_ context.Context, ms []*counted) error {
		for _, m := range ms {
			m.N *= 10
			if m.ID == 2 {
				return errors.New("bad row")
			}
		}
		return nil
	}}
	stepper, err := rows.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	step, err := stepper.Step(t.Context(), Request{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(step.Failed) != 1 || step.Failed[0].Key != `["i2"]` {
		t.Errorf("failed rows are %+v, want row 2 alone", step.Failed)
	}
	err = db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		_, err := step.Apply(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	if err := db.NewSelect().Model((*counted)(nil)).Column("n").Order("id").Scan(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	if want := []int64{10, 1, 10}; !slices.Equal(got, want) {
		t.Errorf("the rows hold %v, want %v", got, want)
	}
}

// codedError is an error type of an app's own.
type codedError struct{ code int }

func (e codedError) Error() string { return fmt.Sprint("code ", e.code) }

func TestErrorClassNamesTheKindNotTheText(t *testing.T) {
	t.Parallel()
	for want, errs := range map[string][]error{
		"error": {
			errors.New("secret"), fmt.Errorf("secret %d", 1), fmt.Errorf("a: %w", errors.New("secret")), errors.Join(errors.New("a"), codedError{1}),
			fmt.Errorf("%w and %w", codedError{1}, codedError{2}), fmt.Errorf("a: %w", nil),
		},
		"bgtransform.codedError":        {codedError{1}, fmt.Errorf("a: %w", fmt.Errorf("b: %w", codedError{1}))},
		"*fs.PathError":                 {&fs.PathError{Op: "open", Path: "secret", Err: fs.ErrNotExist}},
		"context.deadlineExceededError": {context.DeadlineExceeded},
	} {
		for _, err := range errs {
			if got := errorClass(err); got != want {
				t.Errorf("errorClass(%#v) = %q, want %q", err, got, want)
			}
		}
	}
}
