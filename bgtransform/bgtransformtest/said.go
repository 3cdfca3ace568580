package bgtransformtest

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// said keeps the last error or panic of the transform's own code in its own
// words: the engine does not repeat them, because in production they might
// quote what a row holds. It is safe for concurrent use.
type said struct {
	live func() bool // false once the instance is being stopped: errors from then on are ours

	mu   sync.Mutex
	text string
}

func (s *said) note(text string) {
	if !s.live() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
}

func (s *said) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

// heard calls fn and notes how it fails. A panic goes on to the engine.
func heard[T any](s *said, fn func() (T, error)) (T, error) {
	defer func() {
		if v := recover(); v != nil {
			s.note(fmt.Sprintf("panic: %v\n%s", v, debug.Stack()))
			panic(v)
		}
	}()
	out, err := fn()
	if err != nil {
		s.note(err.Error())
	}
	return out, err
}
