package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// newCatalogue returns a catalogue with tracks that are not moved yet.
func newCatalogue(t *testing.T, want seeds) *catalogue {
	t.Helper()
	return newCatalogueOn(t, filepath.Join(t.TempDir(), "catalogue.db"), want)
}

func newCatalogueOn(t *testing.T, address string, want seeds) *catalogue {
	t.Helper()
	db := openTest(t, address)
	if err := migrate(t.Context(), db, 2); err != nil {
		t.Fatal(err)
	}
	if err := seed(t.Context(), db, want, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	rel, err := release2()
	if err != nil {
		t.Fatal(err)
	}
	if err := rel.check(db); err != nil {
		t.Fatal(err)
	}
	return &catalogue{db: db, release: rel}
}

func newAPI(t *testing.T, cat *catalogue) *api {
	t.Helper()
	sched, err := bgtransform.New(cat.db, bgtransform.Config{Environ: []string{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := sched.Register(lengthToMS(cat.length)); err != nil {
		t.Fatal(err)
	}
	cat.length.Hold(nil) // there is no pool, for the scheduler does not run: tests choose the phase
	if err := cat.length.SetPhase(dualread.PhaseFallback); err != nil {
		t.Fatal(err)
	}
	ready := newReadiness()
	ready.set(nil)
	return &api{
		catalogue: cat, sched: sched, ready: ready, admin: admin.New(sched), log: slog.New(slog.DiscardHandler),
		redis: redisServer{ping: func(context.Context) error { return nil }},
	}
}

func request(t *testing.T, h http.Handler, line, body string) *httptest.ResponseRecorder {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return w
}

func TestHandlers(t *testing.T) {
	t.Parallel()
	h := newAPI(t, newCatalogue(t, seeds{Tracks: 5, Bad: 1})).routes()
	// In order: each line finds what those before it have left.
	for _, tc := range []struct {
		line, body string
		code       int
		want       string
	}{
		{"GET /tracks/2", "", 200, `{"id":2,"title":"River River No. 1","artist":"The Rivers","length":90,"length_ms":90000}`},
		{"GET /tracks/99", "", 404, "no such track"},
		{"GET /tracks/two", "", 400, "whole number"},
		{"GET /tracks/0", "", 400, "whole number"},
		{"PUT /tracks/2", `{"length_ms": 215400}`, 200, `"length":215,"length_ms":215400`},
		{"GET /tracks/2", "", 200, `"length":215,"length_ms":215400`},
		{"PUT /tracks/2", `{"length": 200}`, 200, `"length":200,"length_ms":200000`},
		{"PUT /tracks/3", `{"title": "Other"}`, 200, `"title":"Other"`},
		{"PUT /tracks/99", `{"title": "Other"}`, 404, "no such track"},
		{"PUT /tracks/3", `{}`, 400, "nothing to change"},
		{"PUT /tracks/3", `{"length": 1, "length_ms": 1}`, 400, "not both"},
		{"PUT /tracks/3", `{"length_ms": 0}`, 400, "from 1"},
		{"PUT /tracks/3", `{"length": -1}`, 400, "from 1"},
		{"PUT /tracks/3", `{"length": 9223372036854775807}`, 400, "from 1"},
		{"PUT /tracks/3", `{"length_ms": 1.5}`, 400, "must be a track"},
		{"PUT /tracks/3", `{"lenght_ms": 1}`, 400, "lenght_ms"},
		{"PUT /tracks/3", `{"title": " "}`, 400, "title must be"},
		{"PUT /tracks/3", `{"title": "a"} {}`, 400, "nothing after"},
		{"PUT /tracks/3", `not json`, 400, "as JSON"},
		{"PUT /tracks/3", `{"title": "` + strings.Repeat("a", 2<<20) + `"}`, 400, "too large"},
		{"POST /tracks", `{"title": "New", "artist": "A", "length_ms": 600001}`, 201, `"length":600,"length_ms":600001`},
		{"POST /tracks", `{"title": "New"}`, 400, "needs title, artist and length_ms"},
		{"GET /tracks?min_length_ms=600000", "", 200, `{"tracks":[{"id":7,`},
		{"GET /tracks?min_length_ms=600002", "", 200, `{"tracks":[]}`},
		{"GET /tracks?limit=2&after=1", "", 200, `"next":3}`},
		{"GET /tracks?limit=1000", "", 400, "limit"},
		{"GET /tracks?min_length_ms=long", "", 400, "min_length_ms"},
		{"DELETE /tracks/1", "", 405, ""},
		{"GET /healthz", "", 200, `{"status":"ok","database":"ok","redis":"ok"}`},
		{"GET /livez", "", 200, "ok"},
		{"GET /transforms", "", 200, `"transform":"track-length-ms","state":"pending"`},
		{"GET /nothing", "", 404, ""},
	} {
		w := request(t, h, tc.line, tc.body)
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %.60s = %d %s\nwant %d and %s", tc.line, tc.body, w.Code, w.Body, tc.code, tc.want)
		}
		if loc := w.Header().Get("Location"); (w.Code == 201) != (loc == "/tracks/7") {
			t.Errorf("%s: Location is %q", tc.line, loc)
		}
	}
}

// TestTitleLeavesLength has an edit of the title leave a row to the transform.
func TestTitleLeavesLength(t *testing.T) {
	t.Parallel()
	cat := newCatalogue(t, seeds{Tracks: 1})
	title := "Other"
	track, err := cat.change(t.Context(), 1, edit{Title: &title})
	if left := count(t, cat.db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); err != nil || left != 1 {
		t.Errorf("change = %+v, %v, with %d rows left; want the row still to be moved", track, err, left)
	}
}

// TestPhases reads and filters a row that is moved, with a part of a second, and
// one that is not.
func TestPhases(t *testing.T) {
	t.Parallel()
	cat := newCatalogue(t, seeds{Tracks: 2}) // of 90 s, and of 409 s
	ms := int64(300_900)
	if _, err := cat.change(t.Context(), 1, edit{LengthMS: &ms}); err != nil {
		t.Fatal(err)
	}
	h := newAPI(t, cat).routes()
	for phase, want := range map[dualread.Phase][]int64{
		dualread.PhaseOld:      {300_000, 409_000},
		dualread.PhaseFallback: {300_900, 409_000},
		dualread.PhaseNew:      {300_900},
	} {
		if err := cat.length.SetPhase(phase); err != nil {
			t.Fatal(err)
		}
		var got listJSON
		if err := json.Unmarshal(request(t, h, "GET /tracks?min_length_ms=100000", "").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Tracks) != len(want) {
			t.Errorf("phase %s: %+v, want lengths %v", phase, got.Tracks, want)
			continue
		}
		for i := range want {
			if got.Tracks[i].LengthMS != want[i] {
				t.Errorf("phase %s: %+v, want lengths %v", phase, got.Tracks, want)
			}
		}
	}
}
