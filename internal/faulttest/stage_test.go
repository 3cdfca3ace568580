package faulttest

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stage is where holders act: a database, and all that they say, in order.
type stage struct {
	t  testing.TB
	db *database

	mu     sync.Mutex
	events []event
	more   chan struct{} // closed at the next event

	players []*process // all that were started; used by the test's goroutine
}

func newStage(t testing.TB, db *database) *stage {
	return &stage{t: t, db: db, more: make(chan struct{})}
}

func (s *stage) happens(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	close(s.more)
	s.more = make(chan struct{})
}

// start starts a holder with the order that most tests give, and its changes.
func (s *stage) start(change ...func(*order)) *process {
	s.t.Helper()
	o := order{
		Name: fmt.Sprintf("h%d", len(s.players)+1), Database: s.db.kind,
		TTL: time.Second, Grace: 2 * time.Second, Standby: 20 * time.Millisecond, Pause: time.Millisecond, Batch: 20,
	}
	o.DSN = s.db.dsn(o.Name)
	for _, c := range change {
		c(&o)
	}
	p := spawn(s.t, s, o)
	s.players = append(s.players, p)
	return p
}

// finish has a fast holder do what is left, and waits until it is complete.
func (s *stage) finish(lease func(*order)) {
	s.t.Helper()
	for _, p := range s.players {
		p.kill()
	}
	s.start(lease, func(o *order) { o.Pause, o.Batch = 0, 1000 })
	complete(s.t, s.db)
	exactlyOnce(s.t, s.db, count(s.t, s.db, "SELECT count(*) FROM tracks"))
}

// leave has all holders end in order, which gives back what they hold.
func (s *stage) leave() {
	s.t.Helper()
	for _, p := range s.players {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range s.players {
		p.exit()
	}
}

// via has a holder keep its lease in the Redis at an address.
func via(addr string) func(*order) {
	return func(o *order) { o.Redis = []string{addr} }
}

func ttl(d time.Duration) func(*order) { return func(o *order) { o.TTL = d } }

// now returns a mark: the events after it have not happened yet.
func (s *stage) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// next waits for the next event after a mark, and returns the mark after it.
func (s *stage) next(mark int) (event, int) {
	s.t.Helper()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		s.mu.Lock()
		more := s.more
		if mark < len(s.events) {
			defer s.mu.Unlock()
			return s.events[mark], mark + 1
		}
		s.mu.Unlock()
		select {
		case <-more:
		case <-enough.C:
			s.t.Fatalf("nothing happens any more; the last was: %s", s.recent())
		}
	}
}

// await waits until something happens after a mark.
func (s *stage) await(mark int, what string, is func(event) bool) event {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		var e event
		if e, mark = s.next(mark); is(e) {
			return e
		}
	}
	s.t.Fatalf("never saw %s; the last was: %s", what, s.recent())
	return event{}
}

// says waits until a process says words after a mark.
func (s *stage) says(mark int, p *process, words string) event {
	s.t.Helper()
	return s.await(mark, p.order.Name+" say "+words, func(e event) bool { return e.from == p && e.is(words) })
}

// works waits for a batch of any process but some.
func (s *stage) works(mark int, but ...*process) event {
	s.t.Helper()
	return s.await(mark, "a batch", func(e event) bool {
		return e.is("batch") && !slices.Contains(but, e.from)
	})
}

// strike has the process that works trapped, and waits until it is struck. If the
// lease goes to another one before, then that is trapped.
func (s *stage) strike(what string, nth int, at string) *process {
	s.t.Helper()
	var armed *process
	struck := s.await(s.now(), "a process struck", func(e event) bool {
		if e.is("batch") && e.from != armed {
			if armed != nil {
				armed.trap(what, 1, "never")
			}
			armed = e.from
			armed.trap(what, nth, at)
		}
		return e.is("strikes")
	})
	return struck.from
}

// count counts what a process has said.
func (s *stage) count(p *process, words string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.from == p && e.is(words) {
			n++
		}
	}
	return n
}

func (s *stage) recent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, same := "", 0
	for i, e := range s.events {
		if i > 0 && i < len(s.events)-1 && e.is("batch") && s.events[i-1].is("batch") && e.from == s.events[i-1].from {
			same++
			continue
		}
		text += fmt.Sprintf("\n%s %s: %s", e.at.Format("05.000"), e.from.order.Name, e.text)
	}
	return fmt.Sprintf("%s\n(and %d batches)", text[max(0, len(text)-3000):], same)
}
