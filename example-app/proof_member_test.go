package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// member is a place in the pool: proxies, an address, users, and a process that is
// replaced when it has ended.
type member struct {
	proof           *proof
	addr            string
	database, redis *testserver.Proxy
	process         *process
	users           *users
	windows         []span // when its requests may fail
}

type span struct{ from, to time.Time }

func newMember(t *testing.T, p *proof, redis string, cat *catalogue, watcher *bgtransform.Scheduler) *member {
	t.Helper()
	m := &member{
		proof: p, addr: freeAddr(t),
		database: testserver.StartProxy(t, p.server.addr), redis: testserver.StartProxy(t, redis),
	}
	m.users = newUsers(m.addr, cat, watcher)
	return m
}

// start starts a process in this place.
func (m *member) start(t *testing.T) {
	t.Helper()
	m.process = startOn(t, m.proof.server.through(m.database), []string{
		"HTTP_ADDR=" + m.addr,
		"REDIS_URL=redis://" + m.redis.Addr(),
		"BGTRANSFORM_ROWS_PER_SECOND=" + strconv.FormatInt(m.proof.pace, 10),
		"BGTRANSFORM_BATCH_SIZE=" + strconv.FormatInt(m.proof.pace/10, 10),
		"BGTRANSFORM_BATCH_TARGET=2s", // a slow machine must not make the batches, and so the proof, endless
		"BGTRANSFORM_DUTY=1",
	}, "-traffic=false")
}

// holds reports whether the process of this place is the one of that name.
func (m *member) holds(instance string) bool {
	return strings.Contains(instance, fmt.Sprintf("/%d/", m.process.cmd.Process.Pid))
}

// healthy waits until the process serves with everything it needs.
func (m *member) healthy(t *testing.T) {
	t.Helper()
	eventually(t, "the process is healthy", func() bool {
		res, err := http.Get("http://" + m.addr + "/healthz")
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		return err == nil && res.StatusCode == http.StatusOK && strings.Contains(string(body), `"ok","database":"ok","redis":"ok"`)
	})
}

// settle is how long after a fault its connections may still turn out to be broken.
const settle = 3 * time.Second

// explains reports whether a request failed because of a fault.
func (m *member) explains(f failure) bool {
	for _, w := range m.windows {
		if f.to.After(w.from) && f.from.Before(w.to.Add(settle)) {
			return true
		}
	}
	return false
}

// users are people who use one process, and remember what failed.
type users struct {
	traffic *traffic
	cancel  context.CancelFunc
	all     sync.WaitGroup

	mu     sync.Mutex
	failed []failure
}

type failure struct {
	span

	text string
}

func newUsers(addr string, cat *catalogue, watcher *bgtransform.Scheduler) *users {
	u := &users{traffic: newTraffic(addr, cat, watcher)}
	u.traffic.client.Transport = u
	u.traffic.client.Timeout = time.Minute // a request may well wait until a process thaws
	return u
}

func (u *users) begin(ctx context.Context) {
	ctx, u.cancel = context.WithCancel(ctx)
	u.all.Go(func() { every(ctx, 60*time.Millisecond, u.traffic.listen) })
	u.all.Go(func() { every(ctx, 100*time.Millisecond, u.traffic.edit) })
}

func (u *users) end() {
	u.cancel()
	u.all.Wait()
}

// RoundTrip sends a request, reads the whole answer, and remembers failures.
func (u *users) RoundTrip(req *http.Request) (*http.Response, error) {
	from := time.Now()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		var body []byte
		if body, err = io.ReadAll(res.Body); err == nil {
			err = res.Body.Close()
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	switch {
	case req.Context().Err() != nil: // called off
	case err != nil:
		u.note(from, err.Error())
	case res.StatusCode >= 300:
		u.note(from, req.Method+" "+req.URL.Path+": "+res.Status)
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (u *users) note(from time.Time, text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = append(u.failed, failure{span{from, time.Now()}, text})
}

func (u *users) failures() []failure {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}
