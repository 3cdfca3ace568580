package throttle

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrCritical is the cause with which [Monitor.Guard] ends a context.
var ErrCritical = errors.New("throttle: a health signal is critical")

// Monitor watches signals for as long as somebody wants it to: without a user it
// has no goroutine and reads nothing. Each signal has a goroutine of its own while
// it is watched, so that one that hangs does not hide another. It is safe for
// concurrent use. Make one with [NewMonitor].
type Monitor struct {
	asked []*asked

	mu    sync.Mutex
	watch *watch // nil while there is no user
}

// NewMonitor returns a monitor of signals, of which each must be valid: see
// [Signal.Validate]. It starts nothing.
func NewMonitor(signals ...Signal) *Monitor {
	m := &Monitor{}
	for _, s := range signals {
		m.asked = append(m.asked, newAsked(s.withDefaults()))
	}
	return m
}

// Change says that a signal asks for something else than before, or has become
// known or unknown.
type Change struct {
	Signal string // its name
	Level  Level  // what it asks for now
	Was    Level  // what it asked for before
	Reason string // why; empty at the level Normal of a signal that is known
	Known  bool   // false while it cannot be read, and its stale policy holds
}

// Watch begins to watch, if nobody has the signals watched already. What was known
// from a time before that is forgotten, and nothing is asked for until it is known
// anew: ready is closed once each signal was looked at, and its users have been told what
// that changed. changed, if not nil, is called for each change, by several goroutines, and must
// not block.
//
// The caller must call release, more than once if it wants to. That of the last
// user ends the watch and waits for it; a Read that goes on for longer than a second after its
// context has ended is left behind.
func (m *Monitor) Watch(changed func(Change)) (ready <-chan struct{}, release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watch == nil {
		m.watch = m.begin(time.Now())
	}
	w, user := m.watch, new(changed)
	w.users[user] = struct{}{}
	return w.ready, sync.OnceFunc(func() { m.leave(w, user) })
}

func (m *Monitor) leave(w *watch, user *func(Change)) {
	m.mu.Lock()
	delete(w.users, user)
	last := len(w.users) == 0
	if last {
		m.watch = nil
	}
	m.mu.Unlock()
	if last {
		w.end()
	}
}

// Pressure returns what the signals ask for together now. Of several with the
// same level the first one's reason counts. It is zero while nobody watches.
func (m *Monitor) Pressure() Pressure {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watch == nil {
		return Pressure{}
	}
	return m.watch.pressure(time.Now())
}

// Guard returns a context that also ends, with the cause [ErrCritical], as soon
// as a signal is critical, or at once if one is. It guards while somebody
// watches. The caller must call cancel.
func (m *Monitor) Guard(ctx context.Context) (_ context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.watch
	if w == nil {
		return ctx, func() { end(nil) }
	}
	if w.pressure(time.Now()).Level >= Critical {
		end(ErrCritical)
	}
	guard := &end
	w.guards[guard] = struct{}{}
	return ctx, func() {
		m.mu.Lock()
		delete(w.guards, guard)
		m.mu.Unlock()
		end(nil)
	}
}
