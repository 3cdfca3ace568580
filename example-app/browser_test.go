package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// browser is a tab of a real browser.
type browser struct {
	t   *testing.T
	tab context.Context // of chromedp; the browser ends with it

	refused atomic.Bool // what is asked for now is refused, and the console says so
}

// newBrowser starts a browser. Whatever its console has to complain about, such as a
// script that the page's policy does not allow, fails the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testserver.Chromium(t)),
		chromedp.NoSandbox, // tests may run as root, where there is none; it opens our own pages only
		chromedp.WindowSize(1100, 900))
	ctx, end := chromedp.NewExecAllocator(context.Background(), opts...)
	tab, closeTab := chromedp.NewContext(ctx)
	b := &browser{t: t, tab: tab}
	console := chromedp.Console(tab)
	read := make(chan struct{})
	t.Cleanup(func() { closeTab(); <-read; end() })
	go func() { // ends with the tab
		defer close(read)
		for m, err := range console {
			if err == nil && (m.Type == "error" || m.IsException()) && !b.refused.Load() {
				t.Errorf("the browser's console: %s", m)
			}
		}
	}()
	return b
}

// do lets the browser do something, in a bounded time.
func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.started()
	ctx, cancel := context.WithTimeout(b.tab, 2*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v; the page says:\n%s", what, err, b.text("body"))
	}
}

// started starts the browser, which must not have a timeout.
func (b *browser) started() {
	b.t.Helper()
	if _, err := chromedp.Run(b.tab, chromedp.Evaluate[int]("1")); err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
}

func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	b.started()
	v, err := chromedp.Run(b.tab, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", script, err)
	}
	return v
}

// text is what people read in an element; empty if there is none.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf(`(document.querySelector(%q) || {innerText: ""}).innerText`, selector))
}

// shows waits until people read some text in an element.
func (b *browser) shows(selector, text string) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%s shows %q", selector, text), func() bool { return strings.Contains(b.text(selector), text) })
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// bar is how much of the progress bar is filled, from 0 to 1000.
func (b *browser) bar() int {
	b.t.Helper()
	return evaluate[int](b, `document.querySelector("#now progress").value`)
}

// TestAdminPageInABrowser steers the move as an operator does, by what the page shows and
// by what it offers. The marks that it makes vanish when a page is loaded again: what
// changes while they are there has come by itself.
func TestAdminPageInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p := startOn(t, newDatabase(t, "-tracks", "60000", "-bad", "1"), []string{"BGTRANSFORM_ROWS_PER_SECOND=1000"}, "-traffic=false")
	p.reaches(t, bgtransform.StateRunning)

	b.do("open the page", chromedp.Navigate(p.url(t, "/admin/")))
	b.shows("h1", "Transforms")
	b.click("#to-" + moveName)
	b.shows("#now .state", "running")

	mark := func() { evaluate[bool](b, `window.marked = true`) }
	same := func(what string) {
		t.Helper()
		if !evaluate[bool](b, `window.marked === true`) {
			t.Errorf("%s: the page was loaded again", what)
		}
	}
	mark()
	b.shows("#live", "live")
	was := b.bar()
	evaluate[bool](b, `document.querySelector("#now h1").firstChild.kept = true`)
	eventually(t, "the bar advances", func() bool { return b.bar() > was })
	same("the bar advances")
	if !evaluate[bool](b, `document.querySelector("#now h1").firstChild.kept === true`) {
		t.Error("what has not changed was put there anew, under the eyes and ears of who reads it")
	}

	b.do("say why", chromedp.SendKeys(chromedp.CSS("#why"), "the disk is full"))
	b.click("#do-pause")
	b.shows(".alert.good", "Asked: Pause")
	mark()
	b.shows("#now .state", "paused")
	b.shows("#now .why", "paused by 127.0.0.1 (admin page): the disk is full")
	same("it is paused")
	if st := p.status(t); st.State != bgtransform.StatePaused {
		t.Errorf("the page says paused, the app %s", st.State)
	}

	leavesHandsAlone(t, b, p)
	same("somebody else was at it")

	// The keyboard does what the mouse does.
	evaluate[bool](b, `document.getElementById("do-resume").focus(), true`)
	b.do("press Enter", chromedp.KeyEvent("\r"))
	b.shows("#now .state", "running")

	b.click("#settings-open > summary")
	b.do("lift the rate", chromedp.SendKeys(chromedp.CSS("#set-ROWS_PER_SECOND"), "unlimited\r"))
	b.shows("#settings", "ROWS_PER_SECOND = unlimited")
	b.shows("#now .state", "waiting")
	b.shows("#quarantine", "the length is negative")

	if code, body := p.send(t, http.MethodPut, "/tracks/1", `{"length_ms": 215400}`, nil); code != http.StatusOK {
		t.Fatalf("PUT = %d %s", code, body)
	}
	b.click("#do-retry")
	b.shows("#now .state", "complete")
	b.shows("#quarantine", "No row is in quarantine")
	b.shows("#log", "retry by 127.0.0.1 (admin page)")

	b.refused.Store(true)
	refusedWithoutToken(t, b, p)
	refusedFromAnotherSite(t, b, p)
	if st := p.status(t); st.State != bgtransform.StateComplete {
		t.Errorf("after what was refused it is %s", st.State)
	}
	refusedFromElsewhere(t, b)
}

// refusedWithoutToken sends the page's own form without its token, from the page itself.
func refusedWithoutToken(t *testing.T, b *browser, p *process) {
	t.Helper()
	send := func(fields string) int {
		return evaluate[int](b, fmt.Sprintf(`fetch(%q, {method: "POST", body: new URLSearchParams(%s)}).then((r) => r.status)`,
			p.url(t, "/admin/transforms/"+moveName+"/verify"), fields))
	}
	if code := send(`{why: "no token"}`); code != http.StatusForbidden {
		t.Errorf("a form without the token is answered %d, want %d", code, http.StatusForbidden)
	}
	if code := send(`{token: document.querySelector("input[name=token]").value}`); code != http.StatusOK {
		t.Errorf("a form with the token is answered %d, want %d", code, http.StatusOK)
	}
}

// refusedFromAnotherSite opens a page of somebody else that sends a form to the app.
func refusedFromAnotherSite(t *testing.T, b *browser, p *process) {
	t.Helper()
	page := fmt.Sprintf(`<!DOCTYPE html><form method="post" action=%q><button>You have won</button></form>`, p.url(t, "/admin/transforms/"+moveName+"/restart"))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer other.Close()
	b.do("open another site", chromedp.Navigate(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)))
	b.click("button")
	b.shows(".alert", "this request is from another site")
}

// refusedFromElsewhere asks an app that listens on all addresses by one that is not a
// loopback address: so the connection does not come from one either.
func refusedFromElsewhere(t *testing.T, b *browser) {
	t.Helper()
	p := spawn(t, []string{"HTTP_ADDR=0.0.0.0:0"}, "-db", newDatabase(t, "-tracks", "10"), "-traffic=false")
	port := regexp.MustCompile(`[0-9]+/$`).FindString(p.url(t, "/"))
	b.do("open the page from elsewhere", chromedp.Navigate("http://"+net.JoinHostPort(ownAddress(t), strings.TrimSuffix(port, "/"))+"/admin/"))
	b.shows(".alert", "this page is for callers on the app's own machine")
}

// ownAddress is an address of this machine that is not a loopback address.
func ownAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Fatal("this machine has no address but loopback ones")
	return ""
}
