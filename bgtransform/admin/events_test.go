package admin_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// events reads a stream, of which it returns the tags of what has changed. The stream ends
// with the test.
func events(t testing.TB, url string) <-chan string {
	t.Helper()
	tags, _ := watch(t, url)
	return tags
}

// watch is events, until leave is called.
func watch(t testing.TB, url string) (_ <-chan string, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // whoever reads the stream closes it
	must(t, err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s is answered %d %s", url, res.StatusCode, res.Header.Get("Content-Type"))
	}
	tags := make(chan string, 100)
	done := make(chan struct{})
	leave = func() { cancel(); <-done }
	t.Cleanup(leave)
	go func() { // ends with the stream
		defer close(done)
		defer close(tags)
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		id := ""
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				id = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && text == id {
				tags <- text
				id = "" // one that only says that nothing has changed has none
			}
		}
	}()
	return tags, leave
}

// next returns the next tag of a stream; false if that has ended.
func next(t testing.TB, tags <-chan string) (string, bool) {
	t.Helper()
	select {
	case tag, ok := <-tags:
		return tag, ok
	case <-time.After(time.Minute):
		t.Fatal("no event has come")
		return "", false
	}
}

// A stream says at once what there is, and then what has changed: by an action, and by
// itself. It outlives the timeouts of the app's server, and ends with Close.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSched(t, newDB(t, 3000, 0), throttle.Limits{Duty: 1, RowsPerSecond: 200, StartBatch: 20, MaxBatch: 20})
	start(t, s)
	until(t, s, "running", in(bgtransform.StateRunning))
	h := admin.New(s)
	srv := server(t, h)
	all, one := events(t, srv.URL+"/admin/v1/events"), events(t, srv.URL+"/admin/v1/transforms/"+move+"/events")
	for name, tags := range map[string]<-chan string{"all": all, "one": one} {
		first, _ := next(t, tags)
		second, ok := next(t, tags) // after two seconds, four times the server's timeout
		if first == second || !ok {
			t.Errorf("%s: the first events are %s and %s, want two of them", name, first, second)
		}
	}
	_ = call("/v1/transforms/"+move+"/pause", "{}").send(t, h)
	until(t, s, "paused", in(bgtransform.StatePaused))
	eventually(t, "the stream tells of what the page shows", func() bool {
		tag, ok := next(t, all)
		return ok && tag == get(t, h, "/v1/transforms").Header().Get("ETag")
	})
	h.Close()
	for _, tags := range []<-chan string{all, one} {
		eventually(t, "the stream ends", func() bool { _, ok := next(t, tags); return !ok })
	}
	if w := get(t, h, "/v1/events"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a stream after Close is answered %d", w.Code)
	}
	if w := get(t, h, "/"); w.Code != http.StatusOK {
		t.Errorf("a page after Close is answered %d", w.Code)
	}
	h.Close() // again
}

// A server that is asked to end does not wait for those who watch.
func TestShutdownWithViewers(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	srv := server(t, h)
	tags := events(t, srv.URL+"/admin/v1/events")
	_, _ = next(t, tags)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, srv.Config.Shutdown(ctx))
	if _, ok := next(t, tags); ok {
		t.Error("there was another event")
	}
}

// Whoever asks for the head of a stream does not hold one.
func TestHeadOfAStream(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	for _, path := range []string{"/v1/events", "/v1/transforms/" + move + "/events"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		r := httptest.NewRequestWithContext(ctx, http.MethodHead, path, nil)
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if ctx.Err() != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %d %s, %v", path, w.Code, w.Header().Get("Content-Type"), ctx.Err())
		}
		cancel()
	}
}

// Middleware that collects an answer before it sends it can have no stream.
func TestStreamThroughMiddleware(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	w := &collecting{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/events", nil)
	must(t, err)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	h.ServeHTTP(w, r)
	if w.status != http.StatusNotImplemented {
		t.Errorf("it is answered %d", w.status)
	}
}

type collecting struct {
	header http.Header
	status int
}

func (c *collecting) Header() http.Header         { return c.header }
func (c *collecting) Write(b []byte) (int, error) { return len(b), nil }
func (c *collecting) WriteHeader(status int)      { c.status = status }
