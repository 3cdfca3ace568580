package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// traffic is the life that goes on while rows move: listeners and editors who use
// the API over HTTP, and compare each answer with the truth.
type traffic struct {
	base      string
	client    *http.Client
	catalogue *catalogue
	sched     *bgtransform.Scheduler

	cancel context.CancelFunc // nil until it starts
	users  sync.WaitGroup

	reads, edits, added atomic.Int64
	wrong, failed       atomic.Int64
	example             atomic.Pointer[string] // of what was wrong or failed
}

func newTraffic(addr string, cat *catalogue, sched *bgtransform.Scheduler) *traffic {
	return &traffic{
		base:      "http://" + addr,
		client:    &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 10}},
		catalogue: cat,
		sched:     sched,
	}
}

// The traffic is modest, about 150 requests a second: the point is that they all
// are answered, and rightly.
const (
	listeners   = 4
	listenEvery = 40 * time.Millisecond
	editors     = 2
	editEvery   = 40 * time.Millisecond
)

// start lets the users in, until ctx ends or stop is called.
func (t *traffic) start(ctx context.Context) {
	ctx, t.cancel = context.WithCancel(ctx)
	for range listeners {
		t.users.Go(func() { every(ctx, listenEvery, t.listen) }) // ends with ctx
	}
	for range editors {
		t.users.Go(func() { every(ctx, editEvery, t.edit) }) // ends with ctx
	}
}

// stop asks the users to leave and waits until they have. It may be called more
// than once, and without start.
func (t *traffic) stop() {
	if t.cancel == nil {
		return
	}
	t.cancel()
	t.users.Wait()
	t.client.CloseIdleConnections()
}

// every calls fn at intervals until ctx ends. What a slow call misses is left out.
func every(ctx context.Context, interval time.Duration, fn func(ctx context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = fn(ctx) // what matters is counted
		}
	}
}

// isWrong counts an answer that disagrees with the truth.
func (t *traffic) isWrong(format string, args ...any) error {
	t.wrong.Add(1)
	return t.note(fmt.Sprintf(format, args...))
}

// hasFailed counts a request without an answer, unless it was called off.
func (t *traffic) hasFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.failed.Add(1)
	return t.note(err.Error())
}

func (t *traffic) note(text string) error {
	t.example.CompareAndSwap(nil, &text)
	return errors.New(text)
}

// summary tells people what the users saw.
func (t *traffic) summary() string {
	if t.cancel == nil {
		return "no simulated users"
	}
	return fmt.Sprintf("meanwhile users read %s times, edited %s tracks and added %s: %d wrong answers, %d failed requests",
		thousands(t.reads.Load()), thousands(t.edits.Load()), thousands(t.added.Load()), t.wrong.Load(), t.failed.Load())
}

// fault returns an error when any user had reason to complain.
func (t *traffic) fault() error {
	if t.wrong.Load() == 0 && t.failed.Load() == 0 {
		return nil
	}
	return fmt.Errorf("%s; for example: %s", t.summary(), *t.example.Load())
}

// saw is the line of JSON with which a release among others ends: what its users did
// and saw.
type saw struct {
	Release int    `json:"release"`
	Reads   int64  `json:"reads"`
	Edits   int64  `json:"edits"`
	Added   int64  `json:"added"`
	Wrong   int64  `json:"wrong"`
	Failed  int64  `json:"failed"`
	Example string `json:"example,omitempty"`
}

func (t *traffic) report(stdout io.Writer) error {
	s := saw{
		Release: t.catalogue.number, Reads: t.reads.Load(), Edits: t.edits.Load(), Added: t.added.Load(),
		Wrong: t.wrong.Load(), Failed: t.failed.Load(),
	}
	if text := t.example.Load(); text != nil {
		s.Example = *text
	}
	return json.NewEncoder(stdout).Encode(s)
}
