package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/bgtransform/sidecar/bgtransform"
)

// TestAdminPageWithoutNews has a network that lets streams begin and nothing through. The
// page must not look like one that is up to date, must ask again, and must find what it
// has missed.
func TestAdminPageWithoutNews(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p := startOn(t, newDatabase(t, "-tracks", "10"), nil, "-traffic=false")
	p.reaches(t, bgtransform.StateComplete)
	mended, asked := make(chan struct{}), make(chan struct{}, 100)
	s := httptest.NewServer(deafened(t, p, asked, mended))
	defer func() { s.CloseClientConnections(); s.Close() }()

	b.do("open the page", chromedp.Navigate(s.URL+"/admin/transforms/"+moveName))
	<-asked
	evaluate[bool](b, `window.lives = 0, new MutationObserver(() => {
		if (document.querySelector("#live").textContent === "live") window.lives++;
	}).observe(document.querySelector("#live"), {childList: true}), true`)
	b.shows("#live", "no news since")
	<-asked
	<-asked // so the one before has begun
	if n := evaluate[int](b, `window.lives`); n > 0 {
		t.Errorf("it has said %d times that it is live", n)
	}
	close(mended)
	b.shows("#live", "live")
	b.do("leave the page", chromedp.Navigate("about:blank"))
}

// deafened is the app behind a network that is broken until it is mended: it tells of each
// stream that is asked for. The script's patience is that of a test.
func deafened(t *testing.T, p *process, asked chan<- struct{}, mended <-chan struct{}) http.Handler {
	t.Helper()
	app, err := url.Parse(p.url(t, "/"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(app) },
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasSuffix(r.Request.URL.Path, "/live.js") {
				return nil
			}
			script, err := io.ReadAll(r.Body)
			if n := bytes.Count(script, []byte("45000")); n != 1 {
				t.Errorf("the script's patience is in %d places, want 1", n)
			}
			script = bytes.Replace(script, []byte("45000"), []byte("2000"), 1)
			r.Body = io.NopCloser(bytes.NewReader(script))
			r.Header.Set("Content-Length", strconv.Itoa(len(script)))
			r.ContentLength = int64(len(script))
			return err
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			proxy.ServeHTTP(w, r)
			return
		}
		select {
		case <-mended:
			proxy.ServeHTTP(w, r)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			asked <- struct{}{}
			<-r.Context().Done()
		}
	})
}
