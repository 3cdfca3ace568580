package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// leavesHandsAlone looks at what the page does to somebody who is about to press a button
// while somebody else changes the state: the transform is paused, and is so afterwards.
func leavesHandsAlone(t *testing.T, b *browser, p *process) {
	t.Helper()
	other := func(action string) {
		t.Helper()
		path := "/admin/v1/transforms/" + moveName + "/" + action
		if code, body := p.send(t, http.MethodPost, path, `{"why": "somebody else"}`, nil); code != http.StatusAccepted {
			t.Fatalf("POST %s = %d %s", path, code, body)
		}
	}
	has := func(id string) bool {
		return evaluate[bool](b, fmt.Sprintf(`document.getElementById(%q) !== null`, id))
	}

	// The button in focus is gone. Enter must not press the one in its place.
	evaluate[bool](b, `document.getElementById("do-resume").focus(), true`)
	other("resume")
	eventually(t, "pause is offered", func() bool { return has("do-pause") })
	if focus := evaluate[string](b, `document.activeElement.id`); focus != "steer" {
		t.Errorf("the focus has moved from resume to %q, want the part it was in", focus)
	}

	// Somebody types why they pause. The button stays what it is until they are done.
	b.do("begin to say why", chromedp.SendKeys(chromedp.CSS("#why"), "x"))
	other("pause")
	b.shows("#now .state", "paused")
	if !has("do-pause") || has("do-resume") {
		t.Error("the buttons beside what is being typed have changed")
	}
	b.do("take it back", chromedp.SendKeys(chromedp.CSS("#why"), "\b"))
	eventually(t, "resume is offered", func() bool { return has("do-resume") && !has("do-pause") })

	// Enter where a name is typed to confirm chooses none of the buttons below.
	b.click("#danger-open > summary")
	evaluate[bool](b, `addEventListener("submit", () => { window.submitted = true }), true`)
	b.do("confirm what was not chosen", chromedp.SendKeys(chromedp.CSS("#confirm"), moveName+"\r"))
	if evaluate[bool](b, `window.submitted === true || window.marked !== true`) {
		t.Error("Enter has chosen an action")
	}
	b.do("take it back", chromedp.SendKeys(chromedp.CSS("#confirm"), strings.Repeat("\b", len(moveName))))
}
