package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
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
