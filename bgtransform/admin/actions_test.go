package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// log is the transform's log of actions, the newest first.
func log(t testing.TB, s *bgtransform.Scheduler) []bgtransform.Action {
	t.Helper()
	all, err := s.Control().Actions(t.Context(), move, 100)
	must(t, err)
	return all
}

// All actions do what they say, in the API and as forms, and are logged with who and why.
func TestActions(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"API", "form"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var written lines
			h, s := idle(t, newDB(t, 1, 1), admin.Logger(written.logger()))
			for _, tc := range []struct {
				action, json, form string
				want, what         string // in the log of actions
			}{
				{"pause", "", "", "pause", ""},
				{"resume", "", "", "resume", ""},
				{"retry", "", "", "retry", ""},
				{"accept", "", "", "accept", ""},
				{"tune", `"settings": {"DUTY": "20%", "WINDOW": "never"}`, "DUTY=20%25&was-DUTY=&WINDOW=never&PHASE=old&was-PHASE=old", "tune", "DUTY=20% (was default), WINDOW=never (was default)"},
				{"tune", `"settings": {"DUTY": "default"}`, "DUTY=&was-DUTY=20%25", "tune", "DUTY=default (was 20%)"},
				{"run-now", `"confirm": "track-length-ms", "for": "2h"`, "confirm=track-length-ms&for=2h", "tune", "* for 2h in UTC (was never)"},
				{"untune", `"settings": {"WINDOW": ""}`, "setting=WINDOW&DUTY=7", "untune", "WINDOW=default"},
				{"cancel", `"confirm": "track-length-ms"`, "confirm=track-length-ms", "cancel", ""},
				{"restart", `"confirm": "track-length-ms"`, "confirm=+track-length-ms+", "restart", ""},
			} {
				q := form("/transforms/"+move+"/"+tc.action, tc.form+"&why=because")
				if way == "API" {
					q = call("/v1/transforms/"+move+"/"+tc.action, `{"why": "because"`+strings.TrimSuffix(", "+tc.json, ", ")+`}`)
				}
				w := q.send(t, h)
				if w.Code != http.StatusAccepted && w.Code != http.StatusSeeOther {
					t.Fatalf("%s is answered %d %s", tc.action, w.Code, w.Body)
				}
				last := log(t, s)[0]
				if last.Action != tc.want || last.By != "127.0.0.1 (admin page)" || !strings.HasSuffix(last.Why, "because") || !strings.Contains(last.What, tc.what) {
					t.Errorf("%s is logged as %+v, want %s with %s", tc.action, last, tc.want, tc.what)
				}
				if !strings.Contains(written.String(), "action="+tc.action+" transform="+move+` by="127.0.0.1 (admin page)"`) {
					t.Errorf("%s is not in the app's log:\n%s", tc.action, written.String())
				}
			}
		})
	}
}

// Who did it, and why, is one line of text: it is read in terminals, too.
func TestWhoAndWhyAreText(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 0), admin.Authorize(func(*http.Request) (admin.User, error) {
		return admin.User{Name: "ann\n\x1b[2J\x00"}, nil
	}))
	_ = call("/v1/transforms/"+move+"/verify", `{"why": "a\u0000b\u001b[2J\nc"}`).send(t, h)
	_ = form("/transforms/"+move+"/verify", "why=%ff%00x").send(t, h)
	done := log(t, s)
	if len(done) != 2 || done[1].By != "ann  [2J" || done[1].Why != "a b [2J c" || done[0].Why != "\uFFFD x" {
		t.Errorf("logged: %+q", done)
	}
}

// What destroys, or runs when nobody has meant it to, needs the name, typed.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 1))
	for _, action := range []string{"cancel", "restart", "revert", "run-now"} {
		for _, name := range []string{"", "yes", "track-length", "TRACK-LENGTH-MS"} {
			if w := call("/v1/transforms/"+move+"/"+action, `{"confirm": "`+name+`"}`).send(t, h); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s, confirmed with %q, is answered %d %s", action, name, w.Code, w.Body)
			}
			w := form("/transforms/"+move+"/"+action, "confirm="+name).send(t, h)
			if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "type the name of the transform") {
				t.Errorf("%s, confirmed with %q, is answered %d", action, name, w.Code)
			}
		}
	}
	if done := log(t, s); len(done) > 0 {
		t.Errorf("done: %+v", done)
	}
}

// What cannot be done says why, with a status that a program can go by.
func TestActionsThatFail(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	for _, tc := range []struct {
		path, body string
		code       int
		want       string
	}{
		{"/v1/transforms/nothing/pause", "{}", 404, "no instance has registered"},
		{"/v1/transforms/" + move + "/destroy", "{}", 404, "no action"},
		{"/v1/transforms/" + move + "/resume", "{}", 409, "it is complete; resume is for paused"},
		{"/v1/transforms/" + move + "/tune", `{"settings": {"DUTY": "200%"}}`, 422, "DUTY"},
		{"/v1/transforms/" + move + "/tune", `{}`, 422, "no setting is named"},
		{"/v1/transforms/" + move + "/untune", `{}`, 409, "nobody has changed"},
		{"/v1/transforms/" + move + "/run-now", `{"confirm": "track-length-ms", "for": "soon"}`, 422, "soon"},
		{"/v1/transforms/" + move + "/run-now", `{"confirm": "track-length-ms", "for": "99h"}`, 422, "12h"},
		{"/v1/transforms/" + move + "/run-now", `{"confirm": "track-length-ms"}`, 422, "open already"},
		{"/v1/transforms/" + move + "/verify", `{"sample": 7}`, 422, "sample"},
		{"/v1/transforms/" + move + "/pause", `{"wy": "x"}`, 400, "wy"},
		{"/v1/transforms/" + move + "/pause", `{} {}`, 400, "after the object"},
		{"/v1/transforms/" + move + "/pause", `null`, 400, "null"},
		{"/v1/transforms/" + move + "/pause", ``, 400, "JSON object"},
	} {
		w := call(tc.path, tc.body).send(t, h)
		var answer struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != tc.code || !strings.Contains(answer.Error, tc.want) {
			t.Errorf("%s %s is answered %d %s, want %d and %q", tc.path, tc.body, w.Code, w.Body, tc.code, tc.want)
		}
	}
	for path, code := range map[string]int{"/transforms/nothing/pause": 404, "/transforms/" + move + "/destroy": 404, "/transforms/" + move + "/resume": 409} {
		if w := form(path, "why=kept").send(t, h); w.Code != code || code == 409 && !strings.Contains(w.Body.String(), `value="kept"`) {
			t.Errorf("the form %s is answered %d, want %d, and what was typed", path, w.Code, code)
		}
	}
	if w := form("/transforms/"+move+"/verify", "sample=much").send(t, h); w.Code != 422 {
		t.Errorf("a sample that is no number is answered %d", w.Code)
	}
}

// After an action the page is loaded again by its address, which says what was asked for,
// and nothing that somebody else could put there.
func TestAfterAnAction(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	w := form("/transforms/"+move+"/verify", "sample=50%25&repair=yes").send(t, h)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "../../transforms/"+move+"?asked=verify" {
		t.Fatalf("it is answered %d, to go on at %q", w.Code, w.Header().Get("Location"))
	}
	page := get(t, h, "/transforms/"+move+"?asked=verify").Body.String()
	if !strings.Contains(page, "Asked: Verify") || !strings.Contains(page, "a sample of 50 %, with repair") {
		t.Errorf("the page does not say what was asked for:\n%s", page)
	}
	if page := get(t, h, "/transforms/"+move+"?asked=You+have+won").Body.String(); strings.Contains(page, "won") || strings.Contains(page, "Asked:") {
		t.Error("the page says what its address says")
	}
}

// An action is seen at once, not only when it is time to read again.
func TestActionsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 1))
	_ = get(t, h, "/transforms/"+move)
	_ = form("/transforms/"+move+"/pause", "why=wait").send(t, h)
	for path, want := range map[string]string{
		"/":                      `formaction="./transforms/track-length-ms/resume"`,
		"/transforms/" + move:    `id="do-resume"`,
		"/v1/transforms":         "paused by 127.0.0.1 (admin page): wait",
		"/v1/transforms/" + move: "paused by 127.0.0.1 (admin page): wait",
	} {
		if page := get(t, h, path).Body.String(); !strings.Contains(page, want) {
			t.Errorf("%s lacks %s:\n%s", path, want, page)
		}
	}
}

// A transform that runs is paused, and goes on.
func TestPauseAndResumeWhileItRuns(t *testing.T) {
	t.Parallel()
	s := newSched(t, newDB(t, 500, 0), throttle.Limits{Duty: 1, RowsPerSecond: 20, StartBatch: 2, MaxBatch: 2})
	start(t, s)
	h := admin.New(s)
	t.Cleanup(h.Close)
	until(t, s, "running", in(bgtransform.StateRunning))
	if w := call("/v1/transforms/"+move+"/pause", "{}").send(t, h); w.Code != http.StatusAccepted {
		t.Fatalf("pause is answered %d %s", w.Code, w.Body)
	}
	until(t, s, "paused", in(bgtransform.StatePaused))
	_ = form("/transforms/"+move+"/resume", "").send(t, h)
	until(t, s, "running", in(bgtransform.StateRunning))
	_ = form("/transforms/"+move+"/tune", "ROWS_PER_SECOND=unlimited&BATCH_MAX=1000").send(t, h)
	until(t, s, "complete", in(bgtransform.StateComplete))
}
