package admin_test

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// everything returns pages with all that they can show, and what somebody evil has put
// into names, reasons, errors and who did it.
func everything(t *testing.T) map[string]string {
	t.Helper()
	db := newDB(t, 3, 2)
	_, s := idle(t, db)
	ctx := t.Context()
	by := bgtransform.By{Who: "eve " + evil, Why: evil}
	must(t, s.Control().Tune(ctx, move, by, map[bgtransform.Setting]string{bgtransform.SettingDuty: "20%"}))
	must(t, s.Control().Pause(ctx, move, by))
	_, err := db.ExecContext(ctx, "UPDATE bgtransform_transforms SET last_error = ?, last_error_ms = 1, reason = ?, reason_code = 'x'", evil, evil)
	must(t, err)
	h := admin.New(s, admin.Title("music "+evil), admin.Authorize(func(*http.Request) (admin.User, error) {
		return admin.User{Name: "eve " + evil}, nil
	}))
	pages := map[string]string{}
	for name, path := range map[string]string{"all": "/", "one": "/transforms/" + move, "nothing": "/transforms/%3Cscript%3Ealert(1)"} {
		pages[name] = get(t, h, path).Body.String()
	}
	pages["refused"] = form("/transforms/"+move+"/tune", "DUTY="+url.QueryEscape(evil)+"&why="+url.QueryEscape(evil)).send(t, h).Body.String()
	return pages
}

// What comes from the database, the user and the address is text, wherever it stands.
func TestNothingIsMarkup(t *testing.T) {
	t.Parallel()
	for name, page := range everything(t) {
		for _, bad := range []string{"<script>alert", "<img src=x", `"'><img`, "onerror=alert(1)>\""} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %q as markup:\n%s", name, bad, page)
			}
		}
		if name == "one" && !strings.Contains(page, "&lt;script&gt;alert(1)") {
			t.Errorf("%s does not show what it is to show:\n%s", name, page)
		}
		for _, inline := range []string{" style=", "<style", " onclick", " onload", "javascript:"} {
			if strings.Contains(strings.ToLower(page), inline) {
				t.Errorf("%s has %q, which its policy forbids", name, inline)
			}
		}
	}
}

// A name that no version of this library would accept, and that is in the database all
// the same, is text too, and its page is found.
func TestNameIsMarkup(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1, 0)
	_, _ = idle(t, db)
	name := `a/../<b>"'?x#&`
	for _, table := range []string{"transforms", "ranges", "intents"} {
		_, err := db.ExecContext(t.Context(), "UPDATE bgtransform_"+table+" SET name = ?", name)
		must(t, err)
	}
	control, err := bgtransform.NewControl(db)
	must(t, err)
	h := admin.ForControl(control)
	srv := server(t, h)
	page := fetch(t, http.DefaultClient, srv.URL+"/admin/").body
	if strings.Contains(page, "<b>") {
		t.Errorf("the name is markup:\n%s", page)
	}
	link := regexp.MustCompile(`href="\./(transforms/[^"]+)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("there is no link to it:\n%s", page)
	}
	one := fetch(t, http.DefaultClient, srv.URL+"/admin/"+html.UnescapeString(link[1]))
	if one.code != http.StatusOK || !strings.Contains(one.body, "<h1>a/../&lt;b&gt;") {
		t.Errorf("its page %s is answered %d:\n%s", link[1], one.code, one.body)
	}
}

// Values of rows are nowhere.
func TestNoRowValues(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3, 1)
	_, err := db.ExecContext(t.Context(), "UPDATE tracks SET length = 987654 WHERE id = 1")
	must(t, err)
	h, _ := idle(t, db)
	for _, q := range everywhere() {
		if got := q.send(t, h).Body.String(); strings.Contains(got, "987654") {
			t.Errorf("%s shows a row's value:\n%s", q.path, got)
		}
	}
}

// Links work wherever the app mounts the page, with the last slash or without.
func TestMountedAnywhere(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	for prefix, handler := range map[string]http.Handler{
		"/":           h,
		"/admin/":     http.StripPrefix("/admin", h),
		"/ops/bg/":    http.StripPrefix("/ops/bg/", h),
		"/deep/x/y/z": http.StripPrefix("/deep/x/y/z", h), // a router that knows no folders
	} {
		mux := http.NewServeMux()
		mux.Handle(prefix, handler)
		if !strings.HasSuffix(prefix, "/") {
			mux.Handle(prefix+"/", handler)
		}
		srv := httptest.NewServer(mux)
		first := fetch(t, http.DefaultClient, srv.URL+prefix)
		if !strings.Contains(first.body, "<h1>Transforms</h1>") || !strings.HasSuffix(first.url.Path, "/") {
			t.Errorf("%s: at %s is\n%s", prefix, first.url, first.body)
		}
		for _, from := range []string{"", "transforms/" + move} {
			at, err := first.url.Parse(from)
			must(t, err)
			page := fetch(t, http.DefaultClient, at.String()).body
			for _, m := range regexp.MustCompile(`(?:href|src|data-page)="(\.[^"]*)"`).FindAllStringSubmatch(page, -1) {
				link, err := at.Parse(m[1])
				must(t, err)
				there := fetch(t, http.DefaultClient, link.String())
				if there.code != http.StatusOK {
					t.Errorf("%s: the link %s of %s leads to %s: %d", prefix, m[1], at, link, there.code)
				}
			}
		}
		srv.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}

// A panic of a template or an authorizer does not end the connection without an answer.
func TestPanics(t *testing.T) {
	t.Parallel()
	var log lines
	h, _ := idle(t, newDB(t, 0, 0), admin.Logger(log.logger()), admin.Authorize(func(*http.Request) (admin.User, error) { panic("the app's authorizer") }))
	if w := get(t, h, "/"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "authorizer") {
		t.Errorf("it is answered %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "the app's authorizer") || !strings.Contains(log.String(), "page_test.go") {
		t.Errorf("the log does not say what and where:\n%s", log.String())
	}
}

// What ends a connection on purpose is left to the server.
func TestAbort(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 0, 0), admin.Authorize(func(*http.Request) (admin.User, error) { panic(http.ErrAbortHandler) }))
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the server gets %v, want %v", err, http.ErrAbortHandler)
		}
	}()
	_ = get(t, h, "/")
}

// What is stuck is said where nobody can overlook it, with what is known of the cause.
func TestStuckIsShown(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3, 0)
	h, _ := idle(t, db)
	for _, path := range []string{"/", "/transforms/" + move} {
		if page := get(t, h, path).Body.String(); strings.Contains(page, "Stuck:") {
			t.Errorf("%s says that a complete transform is stuck", path)
		}
	}
	_, err := db.ExecContext(t.Context(), "UPDATE bgtransform_transforms SET state = 'waiting', reason_code = 'locker', reason = 'no route to the lease'")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE bgtransform_ranges SET advanced_ms = advanced_ms - 7200000")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE bgtransform_transforms SET created_ms = created_ms - 7200000")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE bgtransform_intents SET since_ms = since_ms - 7200000")
	must(t, err)
	control, err := bgtransform.NewControl(db)
	must(t, err)
	outside := admin.ForControl(control)
	t.Cleanup(outside.Close)
	for _, path := range []string{"/", "/transforms/" + move} {
		page := get(t, outside, path).Body.String()
		if !strings.Contains(page, "<strong>Stuck:</strong> it has not come forward since <time") || !strings.Contains(page, "no route to the lease") {
			t.Errorf("%s does not say that it is stuck:\n%s", path, page)
		}
	}
}
