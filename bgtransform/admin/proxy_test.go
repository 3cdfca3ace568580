package admin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Each header of a proxy is enough to be refused.
func TestForwardingHeaders(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 0, 0))
	for _, name := range []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded", "Via", "X-Real-IP", "X-Client-IP",
		"X-Cluster-Client-IP", "X-Original-Forwarded-For", "X-Original-Host", "True-Client-IP", "CF-Connecting-IP", "CF-Ray",
		"CDN-Loop", "Fastly-Client-IP", "Fly-Client-IP", "X-Envoy-External-Address", "X-AppEngine-User-IP", "X-Azure-ClientIP",
	} {
		if w := (request{path: "/", header: map[string]string{name: "127.0.0.1"}}).send(t, h); w.Code != http.StatusForbidden {
			t.Errorf("with %s it is answered %d, want %d", name, w.Code, http.StatusForbidden)
		}
	}
}

// A proxy that says nothing of itself but by its old protocol, as nginx does.
func TestOldProtocol(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 0, 0))
	for minor, want := range map[int]int{0: http.StatusForbidden, 1: http.StatusOK} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host, r.ProtoMinor = "127.0.0.1:4000", "127.0.0.1:8080", minor
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("HTTP/1.%d is answered %d, want %d", minor, w.Code, want)
		}
	}
}

// A header of a proxy that is empty is one all the same.
func TestEmptyForwardingHeader(t *testing.T) {
	t.Parallel()
	h, _ := idle(t, newDB(t, 0, 0))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:4000", "localhost"
	r.Header["Forwarded"] = []string{}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("it is answered %d, want %d", w.Code, http.StatusForbidden)
	}
}
