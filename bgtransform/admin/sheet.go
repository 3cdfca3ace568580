package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// version is what a sheet said at one time. It is never changed.
type version[T any] struct {
	value T
	body  []byte // as JSON
	etag  string // with its quotes
}

// sheet holds one document for all of its viewers: it is read by one of them at a time,
// and only if what is there is too old.
type sheet[T interface{ steady() any }] struct {
	read  func(ctx context.Context) (T, error)
	bound time.Duration // of one reading
	log   *slog.Logger
	turn  chan struct{} // holds one element while somebody reads

	mu       sync.Mutex
	now      *version[T] // nil: never read
	fresh    freshness
	watchers map[chan struct{}]struct{}
}

func newSheet[T interface{ steady() any }](log *slog.Logger, bound time.Duration, read func(ctx context.Context) (T, error)) *sheet[T] {
	return &sheet[T]{read: read, bound: bound, log: log, turn: make(chan struct{}, 1), watchers: map[chan struct{}]struct{}{}}
}

const (
	// readTime bounds one reading of all transforms.
	readTime = 5 * time.Second

	// readOneTime bounds one of a transform, which may begin with one of all: where the
	// database hangs, what that has found is left to show.
	readOneTime = 2 * readTime
)

// get returns what the sheet says, which was read no longer than age ago. When whoever
// reads is gone before the end, the next one who waits reads.
func (s *sheet[T]) get(ctx context.Context, age time.Duration) (*version[T], error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	v, era := s.kept(age)
	if v != nil {
		return v, nil
	}
	reading, cancel := context.WithTimeout(ctx, s.bound)
	defer cancel()
	value, err := s.contained(reading)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s.set(value, era)
}

// contained keeps a panic of a driver, or of a gate, from the app. What it says is for the
// log, as it may be anything.
func (s *sheet[T]) contained(ctx context.Context) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "bgtransform: reading for the admin page panicked", "panic", p, "stack", string(debug.Stack()))
			err = errors.New("reading it has panicked; the app's log says where")
		}
	}()
	return s.read(ctx)
}

// kept returns the version that need not be read again; nil if there is none. What is
// read instead is of the era.
func (s *sheet[T]) kept(age time.Duration) (v *version[T], era int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh.within(age) {
		v = s.now
	}
	return v, s.fresh.era
}

// set takes a value whose reading began in some era. One that says nothing new leaves
// the version as it is.
func (s *sheet[T]) set(value T, era int) (*version[T], error) {
	same, err := json.Marshal(value.steady())
	if err != nil {
		return nil, fmt.Errorf("admin: write the answer: %w", err)
	}
	sum := sha256.Sum256(same)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil && s.now.etag == etag {
		s.fresh.renew(era)
		return s.now, nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("admin: write the answer: %w", err)
	}
	s.fresh.renew(era)
	s.now = &version[T]{value: value, body: append(body, '\n'), etag: etag}
	for w := range s.watchers {
		select {
		case w <- struct{}{}:
		default: // it has one to come yet
		}
	}
	return s.now, nil
}

// expire has the next one who asks read again.
func (s *sheet[T]) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh.expire()
}

// watch returns what tells of a new version, until leave is called.
func (s *sheet[T]) watch() (changed <-chan struct{}, leave func()) {
	w := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[w] = struct{}{}
	return w, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
	}
}

// watched brings the sheet up to date for those who watch; without any it reads nothing.
func (s *sheet[T]) watched(ctx context.Context, age time.Duration) {
	s.mu.Lock()
	n := len(s.watchers)
	s.mu.Unlock()
	if n > 0 {
		_, _ = s.get(ctx, age) // who watches sees that nothing comes; who asks is told
	}
}
