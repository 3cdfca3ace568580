package main

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// freeAddr returns an address that nobody listens at.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// holderOf waits until one of two processes runs the transform, and the other
// says so, and returns them.
func holderOf(t *testing.T, a, b *process) (holder, standby *process) {
	t.Helper()
	eventually(t, "one of the two runs the transform", func() bool {
		for _, pair := range [][2]*process{{a, b}, {b, a}} {
			if st := pair[1].status(t); st.State == bgtransform.StateRunning && st.Here.Code == bgtransform.ReasonHeld && st.Rows > 500 {
				holder, standby = pair[0], pair[1]
			}
		}
		return holder != nil
	})
	return holder, standby
}

// freeze stops a process, but not in the middle of a transaction: SQLite has one
// writer, and nobody could write until it thaws.
func freeze(t *testing.T, db *bun.DB, p *process) {
	t.Helper()
	eventually(t, "the process is frozen outside of a transaction", func() bool {
		testserver.Freeze(t, p.cmd.Process.Pid)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		tx, err := db.BeginTx(ctx, nil) // takes the write lock
		if err != nil {
			p.signal(t, syscall.SIGCONT)
			return false
		}
		return tx.Rollback() == nil
	})
}

func TestPoolOnRedis(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	db := audit(t, path)
	env := []string{"REDIS_URL=" + testserver.StartRedis(t).URL()}
	holder, standby := holderOf(t, startOn(t, path, env, "-traffic=false"), startOn(t, path, env, "-traffic=false"))
	st := standby.status(t)
	if st.Here.Code != bgtransform.ReasonHeld || !strings.Contains(st.Here.Text, st.Holder) {
		t.Errorf("the other says %+v, want that it is held by %s", st.Here, st.Holder)
	}

	began := time.Now()
	holder.signal(t, os.Interrupt)
	eventually(t, "the other takes over", func() bool {
		st := standby.status(t)
		return st.Attempt == 2 && st.State == bgtransform.StateRunning
	})
	t.Logf("taken over %s after Ctrl-C", time.Since(began))

	third := startOn(t, path, env, "-traffic=false")
	standby.moves(t, 8000)
	standby.signal(t, syscall.SIGKILL)
	third.reaches(t, bgtransform.StateComplete)
	exactlyOnce(t, db, 20_000)
}

// TestTwoEmbedded freezes the process that runs the transform for longer than its
// lease. The other's lease is its own, so that only the fence keeps the first,
// when it thaws, from writing.
func TestTwoEmbedded(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	db := audit(t, path)
	pace := []string{"BGTRANSFORM_ROWS_PER_SECOND=4000", "LOG_LEVEL=info"}
	holder, standby := holderOf(t, startOn(t, path, pace, "-traffic=false"), startOn(t, path, pace, "-traffic=false"))
	for range 2 {
		freeze(t, db, holder)
		was := standby.status(t).Attempt
		eventually(t, "the other takes over", func() bool {
			st := standby.status(t)
			return st.Attempt > was && st.State == bgtransform.StateRunning
		})
		holder.signal(t, syscall.SIGCONT)
		holder, standby = standby, holder
		eventually(t, "the one that was frozen has noticed", func() bool {
			st := standby.status(t)
			return !st.Here.IsZero() || st.State == bgtransform.StateComplete
		})
	}
	holder.reaches(t, bgtransform.StateComplete)
	standby.reaches(t, bgtransform.StateComplete)
	exactlyOnce(t, db, 20_000)
}
