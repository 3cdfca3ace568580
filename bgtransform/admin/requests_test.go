package admin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// request is one to a page, as a browser on the same machine sends it.
type request struct {
	method, path string
	body         string
	header       map[string]string
	from         string
	host         string
}

func (q request) send(t testing.TB, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(t.Context(), q.method, q.path, strings.NewReader(q.body))
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8080"
	if q.from != "" {
		r.RemoteAddr = q.from
	}
	if q.host != "" {
		r.Host = q.host
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	return request{path: path}.send(t, h)
}

const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// form is a form of the page, with the token in its cookie.
func form(path, fields string) request {
	return request{
		method: http.MethodPost, path: path, body: "token=" + token + "&" + fields,
		header: map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "Cookie": "bgtransform_admin=" + token, "Sec-Fetch-Site": "same-origin",
		},
	}
}

// call is a request to the API.
func call(path, body string) request {
	return request{method: http.MethodPost, path: path, body: body, header: map[string]string{"Content-Type": "application/json"}}
}

// server serves a handler below /admin/, as an app does.
func server(t testing.TB, h *admin.Handler) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", h))
	s := httptest.NewUnstartedServer(mux)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	s.Config.RegisterOnShutdown(h.Close)
	s.Start()
	t.Cleanup(func() {
		h.Close()
		s.CloseClientConnections()
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// fetched is an answer that was read.
type fetched struct {
	code    int
	url     *url.URL // after redirects
	cookies []*http.Cookie
	body    string
}

// fetch gets a page by a client.
func fetch(t testing.TB, c *http.Client, address string) fetched {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	res, err := c.Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return fetched{res.StatusCode, res.Request.URL, res.Cookies(), string(body)}
}
