package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// ask runs a transforms command in a process of its own.
func ask(t *testing.T, path string, want int, words ...string) string {
	t.Helper()
	p := spawn(t, []string{"DATABASE_URL=" + path}, append([]string{"transforms"}, words...)...)
	if code := p.exit(t); code != want {
		t.Fatalf("transforms %s: exit code %d, want %d", strings.Join(words, " "), code, want)
	}
	return p.stdout.String() + p.stderr.String()
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	p := startOn(t, path, nil)
	p.moves(t, 500)

	contains(t, ask(t, path, 0), moveName+" is running", "changed")
	ask(t, path, 0, "pause", moveName, "-why", "lunch", "-by", "ann")
	p.reaches(t, bgtransform.StatePaused)
	p.says(t, "by ann: lunch")
	contains(t, ask(t, path, 0, "status", moveName), "is paused", "by ann: lunch", "pause by ann")
	contains(t, ask(t, path, 1, "pause", moveName), "not allowed", "it is paused")
	if got := p.status(t).Reason.Code; got != bgtransform.ReasonPaused {
		t.Errorf("the reason is %q, want paused", got)
	}

	ask(t, path, 0, "-by", "bob", "resume", moveName)
	p.reaches(t, bgtransform.StateRunning)
	ask(t, path, 0, "cancel", moveName)
	p.reaches(t, bgtransform.StateCancelled)
	contains(t, ask(t, path, 1, "accept", moveName), "not allowed")
	ask(t, path, 0, "restart", moveName, "-why", "second thoughts")
	p.reaches(t, bgtransform.StateComplete)
	p.says(t, " 0 are wrong and 0 are left")
	contains(t, ask(t, path, 0, "status"), "is complete", "restart by tester: second thoughts", "cancel by tester", "resume by bob")
}

func TestCommandsRefused(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "10")
	missing := filepath.Join(t.TempDir(), "none.db")
	for name, tc := range map[string]struct {
		code  int
		words []string
		want  string
	}{
		"unknown transform":    {1, []string{"pause", "track-length"}, "no such transform"},
		"unknown status":       {1, []string{"status", "track-length"}, "no such transform"},
		"unknown action":       {2, []string{"stop", moveName}, `unknown action "stop"; want status, pause`},
		"no name":              {2, []string{"pause"}, "Name a transform"},
		"too many words":       {2, []string{"pause", moveName, "now"}, "too many words"},
		"unknown flag":         {2, []string{"pause", moveName, "-who", "me"}, "-who"},
		"no database":          {1, []string{"-db", missing}, "start the app first"},
		"retry while pending":  {1, []string{"retry", moveName}, "not allowed"},
		"resume while pending": {1, []string{"resume", moveName}, "not allowed"},
		"help":                 {0, []string{"-h"}, "pause|resume NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contains(t, ask(t, path, tc.code, tc.words...), tc.want)
		})
	}
}
