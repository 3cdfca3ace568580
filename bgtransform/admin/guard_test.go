package admin_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// everywhere are requests of all kinds that a page answers, reads and actions.
func everywhere() []request {
	return []request{
		{path: "/"},
		{path: "/transforms/" + move},
		{path: "/static/live.js"},
		{path: "/v1/transforms"},
		{path: "/v1/transforms/" + move},
		form("/transforms/"+move+"/verify", "why=x"),
		call("/v1/transforms/"+move+"/verify", `{}`),
	}
}

// Without an authorizer only a process of this machine may, that asks this machine, and
// for nobody else.
func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	for sentence, tc := range map[string]struct {
		from, host, header string
		want               bool
	}{
		"this machine":                        {want: true},
		"this machine by IPv6":                {from: "[::1]:4000", host: "[::1]:8080", want: true},
		"this machine by a mapped address":    {from: "[::ffff:127.0.0.1]:4000", want: true},
		"another loopback address":            {from: "127.8.8.8:4000", host: "127.8.8.8", want: true},
		"localhost":                           {host: "localhost:8080", want: true},
		"localhost, spelled oddly":            {host: "LocalHost.", want: true},
		"a name below localhost":              {host: "music.localhost:8080", want: true},
		"the same network":                    {from: "192.168.1.7:4000"},
		"a private IPv6 address":              {from: "[fd00::1]:4000"},
		"all addresses":                       {from: "0.0.0.0:4000"},
		"no address, as of a Unix socket":     {from: "@"},
		"a name that points here":             {host: "evil.example:8080"},
		"a name that begins like this":        {host: "127.0.0.1.evil.example"},
		"a name that ends like localhost":     {host: "evillocalhost"},
		"no host":                             {host: " "},
		"another machine's address":           {host: "10.0.0.1:8080"},
		"a proxy, with X-Forwarded-For":       {header: "X-Forwarded-For"},
		"a proxy, with Forwarded":             {header: "Forwarded"},
		"a proxy, with X-Real-IP":             {header: "X-Real-IP"},
		"a proxy, with Via":                   {header: "Via"},
		"a proxy, with X-Forwarded-Proto":     {header: "X-Forwarded-Proto"},
		"a proxy, with True-Client-IP":        {header: "True-Client-IP"},
		"Cloudflare, with CF-Connecting-IP":   {header: "CF-Connecting-IP"},
		"Envoy, with its own header":          {header: "X-Envoy-External-Address"},
		"a header that is none of a proxy's":  {header: "X-Request-ID", want: true},
		"a proxy, from this network besides":  {from: "10.0.0.1:80", header: "X-Forwarded-For"},
		"an address without a port, as it is": {from: "127.0.0.1"},
	} {
		for _, q := range everywhere() {
			q.from, q.host = tc.from, tc.host
			if tc.header != "" {
				q.header = with(q.header, tc.header, "127.0.0.1")
			}
			w := q.send(t, h)
			if refused := w.Code == http.StatusForbidden; refused == tc.want {
				t.Errorf("%s: %s %s is answered %d, want it let in: %t", sentence, q.method, q.path, w.Code, tc.want)
			}
			if w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "<article") {
				t.Errorf("%s: the refusal of %s shows transforms", sentence, q.path)
			}
		}
	}
}

func with(header map[string]string, name, value string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, header)
	all[name] = value
	return all
}

// With an authorizer it is the app that decides, for every request.
func TestAuthorizer(t *testing.T) {
	t.Parallel()
	var log lines
	h, s := idle(t, newDB(t, 1, 0), admin.Logger(log.logger()), admin.Authorize(func(r *http.Request) (admin.User, error) {
		switch r.Header.Get("X-User") {
		case "ann":
			return admin.User{Name: "ann"}, nil
		case "bob":
			return admin.User{Name: "bob", ReadOnly: true}, nil
		case "nobody":
			return admin.User{Name: "  "}, nil
		default:
			return admin.User{}, errors.New("the secret reason")
		}
	}))
	for _, q := range everywhere() {
		q.from, q.host = "192.0.2.1:4000", "music.example"
		for user, want := range map[string]bool{"": false, "nobody": false, "ann": true, "bob": q.method != http.MethodPost} {
			q.header = with(q.header, "X-User", user)
			q.header["X-Forwarded-For"] = "198.51.100.1"
			w := q.send(t, h)
			if (w.Code != http.StatusForbidden) != want {
				t.Errorf("%s %s by %q is answered %d, want it let in: %t", q.method, q.path, user, w.Code, want)
			}
			if strings.Contains(w.Body.String(), "secret reason") {
				t.Errorf("%s %s by %q tells the authorizer's error", q.method, q.path, user)
			}
		}
	}
	if !strings.Contains(log.String(), "the secret reason") || !strings.Contains(log.String(), "no name") {
		t.Errorf("the log does not say why somebody was refused:\n%s", log.String())
	}
	actions, err := s.Control().Actions(t.Context(), move, 10)
	must(t, err)
	if len(actions) == 0 {
		t.Fatal("nothing was done")
	}
	for _, a := range actions {
		if a.By != "ann" {
			t.Errorf("%s was done by %q, want ann", a.Action, a.By)
		}
	}
}

// A page that is read-only is so for everybody, whatever the app lets them do elsewhere.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for who, opts := range map[string][]admin.Option{
		"this machine":  nil,
		"an authorizer": {admin.Authorize(func(*http.Request) (admin.User, error) { return admin.User{Name: "ann"}, nil })},
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			testReadOnly(t, opts...)
		})
	}
}

func testReadOnly(t *testing.T, opts ...admin.Option) {
	t.Helper()
	h, s := idle(t, newDB(t, 1, 0), append(opts, admin.ReadOnly())...)
	for _, q := range everywhere() {
		w := q.send(t, h)
		if want := q.method == http.MethodPost; (w.Code == http.StatusForbidden) != want {
			t.Errorf("%s %s is answered %d, want it refused: %t", q.method, q.path, w.Code, want)
		}
		if strings.Contains(w.Body.String(), "<form") {
			t.Errorf("%s offers what is refused", q.path)
		}
	}
	if actions, err := s.Control().Actions(t.Context(), move, 10); len(actions) > 0 || err != nil {
		t.Errorf("done: %+v, %v; want nothing", actions, err)
	}
}

// What a browser is told not to do, on each answer, refusals included.
func TestHeaders(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 1, 0))
	far := request{path: "/", from: "192.0.2.1:1"}
	for _, q := range append(everywhere(), far, request{path: "/nothing"}) {
		w := q.send(t, h)
		csp := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'", "img-src 'self'", "form-action 'self'", "base-uri 'none'", "script-src 'self';", "style-src 'self';"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy %q lacks %q", q.path, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy %q lets too much through", q.path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin", "Cache-Control": "private, no-cache",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", q.path, name, got, want)
			}
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other sites read it", q.path)
		}
	}
}
