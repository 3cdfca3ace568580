package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// An action is done only for a form of this very page, or for a caller that is no
// browser which another site has sent.
func TestActionsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 0))
	path := "/transforms/" + move + "/verify"
	good, api := form(path, "why=x"), call("/v1"+path, `{}`)
	for sentence, tc := range map[string]struct {
		q    request
		want int
	}{
		"the page's form":              {good, http.StatusSeeOther},
		"a form without its token":     {replaced(good, "", "why=x"), http.StatusForbidden},
		"a form with an empty token":   {replaced(good, "", "token=&why=x"), http.StatusForbidden},
		"a form with another token":    {replaced(good, "", "token=ZBCDEFGHIJKLMNOPQRSTUVWXYZ"), http.StatusForbidden},
		"a form without the cookie":    {replaced(good, "Cookie", ""), http.StatusForbidden},
		"a cookie that is no token":    {replaced(replaced(good, "Cookie", "bgtransform_admin=x"), "", "token=x"), http.StatusForbidden},
		"an empty cookie":              {replaced(replaced(good, "Cookie", "bgtransform_admin="), "", "token="), http.StatusForbidden},
		"the token in the address":     {request{http.MethodPost, path + "?token=" + token, "why=x", good.header, "", ""}, http.StatusForbidden},
		"a form of another site":       {replaced(good, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"a form of a site beside":      {replaced(good, "Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		"an old browser, another site": {replaced(replaced(good, "Sec-Fetch-Site", ""), "Origin", "https://evil.example"), http.StatusForbidden},
		"an old browser, no origin":    {replaced(replaced(good, "Sec-Fetch-Site", ""), "Origin", "null"), http.StatusForbidden},
		"an old browser, this page":    {replaced(replaced(good, "Sec-Fetch-Site", ""), "Origin", "http://127.0.0.1:8080"), http.StatusSeeOther},
		"a form with files":            {replaced(good, "Content-Type", "multipart/form-data; boundary=x"), http.StatusUnsupportedMediaType},
		"a form as text":               {replaced(good, "Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		"the API":                      {api, http.StatusAccepted},
		"the API from another site":    {replaced(api, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"the API, sent as a form":      {replaced(api, "Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		"the API, sent as text":        {replaced(api, "Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		"the API, sent as nothing":     {replaced(api, "Content-Type", ""), http.StatusUnsupportedMediaType},
		"an action that is read":       {request{path: path}, http.StatusMethodNotAllowed},
		"an action of the API, read":   {request{path: "/v1" + path}, http.StatusMethodNotAllowed},
		"another method, other site":   {replaced(request{http.MethodPut, "/v1" + path, "{}", api.header, "", ""}, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"another method":               {request{http.MethodPut, "/v1" + path, "{}", api.header, "", ""}, http.StatusMethodNotAllowed},
	} {
		was := len(log(t, s))
		w := tc.q.send(t, h)
		done := len(log(t, s)) > was
		if want := tc.want == http.StatusSeeOther || tc.want == http.StatusAccepted; w.Code != tc.want || done != want {
			t.Errorf("%s: answered %d %s, done: %t; want %d, %t", sentence, w.Code, w.Body, done, tc.want, want)
		}
	}
}

// replaced returns the request with another header, or, without one, another body.
func replaced(q request, name, value string) request {
	if name == "" {
		q.body = value
		return q
	}
	q.header = with(q.header, name, value)
	if value == "" {
		delete(q.header, name)
	}
	return q
}

var tokenField = regexp.MustCompile(`name="token" value="([A-Z2-7]{26})"`)

// The token is handed out once for each browser, and forms of the pages work with it.
func TestToken(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 0))
	w := get(t, h, "/transforms/"+move)
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	must(t, err)
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure {
		t.Errorf("the cookie is %+v, want it for all paths, HTTP only, lax, and not secure over plain HTTP", cookie)
	}
	field := tokenField.FindStringSubmatch(w.Body.String())
	if field == nil || field[1] != cookie.Value {
		t.Fatalf("the form's token is %v, the cookie's %q", field, cookie.Value)
	}
	again := request{path: "/", header: map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}}.send(t, h)
	if again.Header().Get("Set-Cookie") != "" || !strings.Contains(again.Body.String(), cookie.Value) && strings.Contains(again.Body.String(), `name="token"`) {
		t.Error("a browser that has a token gets another one")
	}
	if w := (request{path: "/", header: map[string]string{"Cookie": cookie.Name + "=somebody-else's"}}).send(t, h); w.Header().Get("Set-Cookie") == "" {
		t.Error("a browser whose token cannot be one of this page's gets none")
	}
	post := form("/transforms/"+move+"/verify", "")
	post.body = "token=" + url.QueryEscape(field[1])
	post.header["Cookie"] = cookie.Name + "=" + cookie.Value
	if w := post.send(t, h); w.Code != http.StatusSeeOther || len(log(t, s)) != 1 {
		t.Errorf("the page's form is answered %d %s", w.Code, w.Body)
	}
	other := get(t, h, "/transforms/"+move)
	if strings.Contains(other.Body.String(), cookie.Value) {
		t.Error("two browsers have the same token")
	}
}

// Over TLS the cookie is for TLS only.
func TestTokenOverTLS(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0), admin.Title("music"))
	s := httptest.NewTLSServer(h)
	defer s.Close()
	got := fetch(t, s.Client(), s.URL+"/transforms/"+move)
	for _, c := range got.cookies {
		if c.Secure {
			return
		}
	}
	t.Errorf("the cookies are %v, want a secure one", got.cookies)
}

// A body is bounded, also one that is no form.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	h, s := idle(t, newDB(t, 1, 0))
	long := strings.Repeat("x", 20<<10)
	for _, q := range []request{
		form("/transforms/"+move+"/verify", "why="+long),
		call("/v1/transforms/"+move+"/verify", `{"why": "`+long+`"}`),
	} {
		if w := q.send(t, h); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: a body of 20 KiB is answered %d %s", q.path, w.Code, w.Body)
		}
	}
	if done := log(t, s); len(done) > 0 {
		t.Errorf("done: %+v", done)
	}
}
