package faulttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Where a holder can be struck. A commit has two more for each statement: "fence
// commit", just before it, and "fence committed", just after it.
const (
	atAcquired = "acquired" // the lease is ours, and nothing is claimed
	atClaim    = "claim"    // in its transaction
	atState    = "state"    // the transform's state was written, in its transaction
	atFence    = "fence"    // a transaction has the fence's row locked, and written nothing else
	atBatch    = "batch"    // between two batches
	atTime     = "time"     // so many milliseconds from now, wherever that is
)

// trap is something that the process does to itself: "kill" or "freeze", and at
// which occurrence of a point, counted from now.
type trap struct {
	signal syscall.Signal
	point  string
	left   int
}

// traps watch a holder from the inside, and tell the test what they see.
type traps struct {
	mu    sync.Mutex
	out   io.Writer
	armed *trap
	last  string // the last statement of the transaction that is open
}

func newTraps(out io.Writer) *traps { return &traps{out: out} }

// say writes a line for the test.
func (t *traps) say(words ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintln(t.out, words...)
}

// listen carries out commands like "kill 3 fence", until the test hangs up.
func (t *traps) listen(in io.Reader) {
	commands := bufio.NewScanner(in)
	for commands.Scan() {
		t.set(commands.Text())
	}
	os.Exit(3)
}

func (t *traps) set(command string) {
	var what string
	armed := trap{left: 1}
	if n, _ := fmt.Sscan(command, &what, &armed.left); n < 2 {
		return
	}
	_, armed.point, _ = strings.Cut(strings.TrimPrefix(command, what+" "), " ")
	armed.signal = syscall.SIGKILL
	if what == "freeze" {
		armed.signal = syscall.SIGSTOP
	}
	if armed.point == atTime {
		time.AfterFunc(time.Duration(armed.left)*time.Millisecond, func() { t.strike(armed) })
		return
	}
	t.mu.Lock()
	t.armed = &armed
	t.mu.Unlock()
	t.say("armed", command)
}

// reach is called at every point.
func (t *traps) reach(point string) {
	t.mu.Lock()
	hit := t.armed
	if hit == nil || hit.point != point {
		t.mu.Unlock()
		return
	}
	if hit.left--; hit.left > 0 {
		t.mu.Unlock()
		return
	}
	t.armed = nil
	t.mu.Unlock()
	t.strike(*hit)
}

// strike does to this process what happens to processes. Nothing else of it goes
// on either.
func (t *traps) strike(hit trap) {
	t.say("strikes", hit.point)
	_ = syscall.Kill(os.Getpid(), hit.signal)
	if hit.signal == syscall.SIGKILL {
		select {}
	}
	<-time.After(50 * time.Millisecond) // the kernel stops one thread after the other
}

// BeforeQuery implements [bun.QueryHook].
func (t *traps) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if e.Query == "COMMIT" {
		if last := t.open(); last != "" {
			t.reach(last + " commit")
		}
	}
	return ctx
}

// AfterQuery implements [bun.QueryHook].
func (t *traps) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	point := pointOf(e.Query)
	switch {
	case e.Query == "COMMIT":
		if last := t.open(); last != "" {
			t.enter("")
			t.reach(last + " committed")
		}
	case e.Query == "ROLLBACK":
		t.enter("")
	case point != "" && e.Err == nil:
		t.enter(point)
		t.reach(point)
	}
}

func (t *traps) open() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *traps) enter(point string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = point
}

// pointOf tells our statements apart. All of them are of the one attempt.
func pointOf(query string) string {
	switch {
	case strings.Contains(query, "attempt = attempt + 1"):
		return atClaim
	case strings.Contains(query, "beats + 1"):
		return atFence
	case strings.Contains(query, "UPDATE") && strings.Contains(query, "bgtransform_transforms"):
		return atState
	default:
		return ""
	}
}

// BatchStart implements [bgtransform.Observer].
func (t *traps) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}

// BatchEnd implements [bgtransform.Observer].
func (t *traps) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	switch {
	case info.Err == nil:
		t.say("batch", info.Attempt, info.Batch)
	case errors.Is(info.Err, bgtransform.ErrFenced):
		t.say("fenced", info.Attempt)
	default:
		t.say("failed", info.Attempt)
	}
	t.reach(atBatch)
}

// RunStart implements [bgtransform.RunObserver].
func (t *traps) RunStart(ctx context.Context, info bgtransform.RunStartInfo) (context.Context, string) {
	t.say("attempt", info.Attempt)
	return ctx, ""
}

// RunEnd implements [bgtransform.RunObserver].
func (t *traps) RunEnd(_ context.Context, info bgtransform.RunEndInfo) {
	t.say("end", info.State, info.Reason.Code)
}

// LeaseChanged implements [bgtransform.LeaseObserver].
func (t *traps) LeaseChanged(_ context.Context, info bgtransform.LeaseInfo) {
	if info.Event == "renewed" {
		return
	}
	t.say("lease", info.Event)
	if info.Event == "acquired" {
		t.reach(atAcquired)
	}
}

// Waiting implements [bgtransform.WaitObserver].
func (t *traps) Waiting(_ context.Context, info bgtransform.WaitInfo) {
	if info.Reason.Code != bgtransform.ReasonThrottle {
		t.say("waits", info.Reason.Code)
	}
}
