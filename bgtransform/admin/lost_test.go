package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// What no route takes is answered in the form of the other answers, and never with a
// redirect out of the path below which the page is mounted.
func TestLost(t *testing.T) {
	t.Parallel()
	s, err := bgtransform.New(newDB(t, 1, 0), bgtransform.Config{Environ: []string{}})
	must(t, err)
	page := admin.New(s)
	post := map[string]string{"Content-Type": "application/json"}
	for name, tc := range map[string]struct {
		q     request
		code  int
		allow string
	}{
		"no such call":                {request{path: "/v1/nothing"}, 404, ""},
		"no such call, posted":        {request{http.MethodPost, "/v1/nothing", "{}", post, "", ""}, 404, ""},
		"a call by another method":    {request{http.MethodPost, "/v1/transforms", "{}", post, "", ""}, 405, "GET"},
		"an action that is read":      {request{path: "/v1/transforms/x/pause"}, 405, "POST"},
		"no such page":                {request{path: "/nothing"}, 404, ""},
		"a page by another method":    {request{path: "/transforms/x/pause"}, 405, "POST"},
		"two slashes":                 {request{path: "//v1/transforms"}, 404, ""},
		"two slashes in the API":      {request{path: "/v1//transforms"}, 404, ""},
		"a path that goes back":       {request{path: "/v1/x/../transforms"}, 404, ""},
		"two slashes below a mounted": {request{path: "/admin//x"}, 404, ""},
	} {
		h := http.Handler(page)
		if strings.HasPrefix(tc.q.path, "/admin") {
			h = http.StripPrefix("/admin", page)
		}
		w := tc.q.send(t, h)
		if w.Code != tc.code || w.Header().Get("Allow") != tc.allow {
			t.Errorf("%s: answered %d, allow %q, location %q; want %d and %q", name, w.Code, w.Header().Get("Allow"), w.Header().Get("Location"), tc.code, tc.allow)
		}
		json := strings.HasPrefix(tc.q.path, "/v1/")
		if body := w.Body.String(); strings.HasPrefix(body, `{"error":"`) != json || strings.Contains(body, "<!DOCTYPE html>") == json {
			t.Errorf("%s: answered %s", name, body)
		}
	}
}
