package admin

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Files have the types that browsers want of a style sheet and a script, whatever the
// machine takes them for.
func TestStaticFiles(t *testing.T) {
	t.Parallel()
	if err := mime.AddExtensionType(".js", "text/plain"); err != nil { // as some machines have it
		t.Fatal(err)
	}
	v := newViews()
	for name, want := range map[string]string{
		"page.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml", "nothing.js": "", "..": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/static/x", nil)
		r.SetPathValue("file", name)
		w := httptest.NewRecorder()
		v.static(w, r)
		if got := w.Header().Get("Content-Type"); w.Code == http.StatusOK && got != want || (w.Code == http.StatusOK) != (want != "") {
			t.Errorf("%s: %d %s, want %s", name, w.Code, got, want)
		}
	}
}

// The rate is one of rows that are walked, and says so in the words of the commands.
func TestChartSaysWhatItsRateIsOf(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newViews().render(w, http.StatusOK, "chart", chartOf([]sample{{at(0), 169961}}, at(60)))
	if page := w.Body.String(); strings.Count(page, "rows walked a second") != 2 {
		t.Errorf("the page does not say twice that the rows are walked:\n%s", page)
	}
}

// Why a transform is stopped stands above its finish, and is not said twice.
func TestFinishDoesNotRepeatWhy(t *testing.T) {
	t.Parallel()
	paused := bgtransform.Forecast{State: bgtransform.ForecastStopped, Left: 9 * time.Second, Why: "paused by ann"}
	for _, tc := range []struct {
		f    bgtransform.Forecast
		why  string
		want string
	}{
		{paused, "paused by ann", "about 9s of work left, but stopped"},
		{paused, "", "about 9s of work left, but stopped: paused by ann"},
		{paused, "held by web-2", "about 9s of work left, but stopped: paused by ann"},
		{bgtransform.Forecast{State: bgtransform.ForecastStopped, Why: "paused by ann"}, "paused by ann", "stopped"},
		{bgtransform.Forecast{State: bgtransform.ForecastMeasuring}, "paused by ann", "measuring, no finish time yet"},
	} {
		if got := finish(tc.f, bgtransform.Reason{Text: tc.why}); got != tc.want {
			t.Errorf("of %q beside %q it says %q, want %q", tc.f, tc.why, got, tc.want)
		}
	}
}
