package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// decoded returns the answer to a GET as a JSON object.
func decoded(t testing.TB, h http.Handler, path string) map[string]any {
	t.Helper()
	w := get(t, h, path)
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("GET %s is answered %d %s: %v", path, w.Code, w.Body, err)
	}
	return doc
}

func fields(v any) string {
	object, _ := v.(map[string]any)
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// What is documented is there, under the documented names: clients depend on them.
func TestDocuments(t *testing.T) {
	t.Parallel()
	db := newDB(t, 2, 1)
	h, s := idle(t, db, admin.Gate(func(ctx context.Context, name string) error { return gate.Require(ctx, db, name) }))
	must(t, s.Control().Pause(t.Context(), move, bgtransform.By{Who: "ann", Why: "lunch"}))

	all := decoded(t, h, "/v1/transforms")
	if got, want := fields(all), "made pool transforms"; got != want {
		t.Errorf("all transforms have the fields %q, want %q", got, want)
	}
	first := all["transforms"].([]any)[0].(map[string]any)
	if got, want := fields(first), "allowed status why"; got != want {
		t.Errorf("one of all has the fields %q, want %q", got, want)
	}
	status, _ := first["status"].(map[string]any)
	if status["transform"] != move || status["rows"] != 2.0 || status["quarantined"] != 1.0 {
		t.Errorf("its status is %v", status)
	}
	if !slices.Contains(first["allowed"].([]any), any("resume")) || slices.Contains(first["allowed"].([]any), any("pause")) {
		t.Errorf("allowed is %v", first["allowed"])
	}

	one := decoded(t, h, "/v1/transforms/"+move)
	if got, want := fields(one), "actions allowed gate made mismatches quarantine rates reads status why"; got != want {
		t.Errorf("one transform has the fields %q, want %q", got, want)
	}
	if got, want := fields(one["quarantine"].([]any)[0]), "accepted class first key last message tries"; got != want {
		t.Errorf("a row in quarantine has the fields %q, want %q", got, want)
	}
	action := one["actions"].([]any)[0].(map[string]any)
	delete(action, "at")
	if diff := cmp.Diff(map[string]any{"action": "pause", "by": "ann", "why": "lunch"}, action); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	if g := one["gate"].(map[string]any); g["open"] != false || fields(g["missing"].([]any)[0]) == "" {
		t.Errorf("the gate says %v", g)
	}
	sample, _ := one["rates"].([]any)[0].([]any)
	if len(sample) != 2 || sample[0].(float64) < 1e12 || sample[1] != 0.0 {
		t.Errorf("a rate is %v, want milliseconds and rows a second", sample)
	}
}

// The gate's three answers.
func TestGateAnswers(t *testing.T) {
	t.Parallel()
	refusal := &gate.Refusal{Missing: []gate.Missing{{Transform: move, Piece: gate.PieceVerified, Text: "it was never verified " + evil}}}
	for want, err := range map[string]error{
		`"gate":{"open":true}`:                          nil,
		`"gate":{"open":false,"missing":[{"transform":`: errors.Join(refusal),
		`"gate":{"open":false,"error":"nobody answers"`: errors.New("nobody answers"),
	} {
		h, _ := idle(t, newDB(t, 1, 0), admin.Gate(func(context.Context, string) error { return err }))
		if got := get(t, h, "/v1/transforms/"+move).Body.String(); !strings.Contains(got, want) {
			t.Errorf("for %v the answer lacks %s:\n%s", err, want, got)
		}
	}
	h, _ := idle(t, newDB(t, 1, 0), admin.Gate(func(context.Context, string) error { panic("a gate of the app") }))
	if w := get(t, h, "/v1/transforms/"+move); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a gate that panics is answered %d %s", w.Code, w.Body)
	}
}

// A client that has it all is told so, until something happens.
func TestETag(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	for _, path := range []string{"/v1/transforms", "/v1/transforms/" + move, "/static/page.css"} {
		etag := get(t, h, path).Header().Get("ETag")
		for have, want := range map[string]int{
			etag: http.StatusNotModified, `"x", W/` + etag: http.StatusNotModified, "*": http.StatusNotModified, `"x"`: http.StatusOK,
		} {
			w := request{path: path, header: map[string]string{"If-None-Match": have}}.send(t, h)
			if w.Code != want || (want == http.StatusNotModified) != (w.Body.Len() == 0) || w.Header().Get("ETag") != etag {
				t.Errorf("%s, asked with %s: %d, ETag %s, %d bytes; want %d", path, have, w.Code, w.Header().Get("ETag"), w.Body.Len(), want)
			}
		}
	}
	etag := get(t, h, "/v1/transforms").Header().Get("ETag")
	_ = call("/v1/transforms/"+move+"/verify", "{}").send(t, h)
	if w := (request{path: "/v1/transforms", header: map[string]string{"If-None-Match": etag}}).send(t, h); w.Code != http.StatusOK || w.Header().Get("ETag") == etag {
		t.Errorf("after an action the old tag is answered %d, with %s", w.Code, w.Header().Get("ETag"))
	}
}

// events reads a stream, of which it returns the tags. The stream ends with the test.
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

// A database that is away is said to be, with what the instance knows all the same.
func TestDatabaseIsAway(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1, 0)
	_, s := idle(t, db)
	control, err := bgtransform.NewControl(db)
	must(t, err)
	tool := admin.ForControl(control)
	if doc := decoded(t, tool, "/v1/transforms"); len(doc["transforms"].([]any)) != 1 {
		t.Errorf("by a control there are %v", doc)
	}
	must(t, db.Close())
	late := admin.New(s)
	if doc := decoded(t, late, "/v1/transforms"); doc["error"] == nil || len(doc["transforms"].([]any)) != 1 {
		t.Errorf("without the database all is %v", doc)
	}
	if page := get(t, late, "/").Body.String(); !strings.Contains(page, "Not all of this can be read just now") {
		t.Errorf("the page does not say that the database is away:\n%s", page)
	}
	for _, q := range []request{{path: "/v1/transforms/" + move}, {path: "/transforms/" + move}} {
		if w := q.send(t, late); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "closed") {
			t.Errorf("%s is answered %d, want what is known and why not more", q.path, w.Code)
		}
	}
	if w := call("/v1/transforms/"+move+"/verify", "{}").send(t, late); w.Code != http.StatusServiceUnavailable {
		t.Errorf("an action is answered %d", w.Code)
	}
	if w := get(t, admin.ForControl(control), "/v1/transforms/"+move); w.Code != http.StatusServiceUnavailable {
		t.Errorf("by a control one transform is answered %d", w.Code)
	}
}

// Transforms that are in the database, and not of this version of the app, are shown too.
func TestTransformsOfOthers(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1, 0)
	_, _ = idle(t, db)
	s, err := bgtransform.New(db, bgtransform.Config{Environ: []string{}})
	must(t, err)
	must(t, store.Create(t.Context(), db))
	h := admin.New(s)
	if doc := decoded(t, h, "/v1/transforms"); len(doc["transforms"].([]any)) != 1 {
		t.Errorf("there are %v, want the one of another version", doc["transforms"])
	}
	if w := get(t, h, "/v1/transforms/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("one that nobody knows is answered %d", w.Code)
	}
	if w := get(t, h, "/transforms/nothing/events"); w.Code == http.StatusOK {
		t.Errorf("its stream is answered %d", w.Code)
	}
}
