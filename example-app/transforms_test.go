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
	ask(t, path, 0, "pause", moveName, "--why", "lunch", "--by", "ann")
	p.reaches(t, bgtransform.StatePaused)
	p.says(t, "by ann: lunch")
	contains(t, ask(t, path, 0, "status", moveName), "is paused", "by ann: lunch", "pause by ann")
	contains(t, ask(t, path, 5, "pause", moveName), "not allowed", "it is paused")
	if got := p.status(t).Reason.Code; got != bgtransform.ReasonPaused {
		t.Errorf("the reason is %q, want paused", got)
	}

	ask(t, path, 0, "--by", "bob", "resume", moveName)
	p.reaches(t, bgtransform.StateRunning)
	ask(t, path, 0, "cancel", moveName, "--yes")
	p.reaches(t, bgtransform.StateCancelled)
	contains(t, ask(t, path, 5, "accept", moveName), "not allowed")
	ask(t, path, 0, "restart", moveName, "--yes", "--why", "second thoughts")
	p.reaches(t, bgtransform.StateComplete)
	p.says(t, " 0 are wrong and 0 are left")
	contains(t, ask(t, path, 0, "status"), "is complete", "restart by tester: second thoughts", "cancel by tester", "resume by bob")
}

// A plan needs no app that runs, and leaves the rows as they are.
func TestCommandThatPlans(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "3000")
	contains(t, ask(t, path, 0, "plan", moveName, "--examples", "1"), "nothing was written", "3000 keys, of which", "length_ms: NULL -> ", "complete about")
	contains(t, ask(t, path, 0, "plan", moveName, "--json"), `"finish":{"state":"ready"`, `"keys":3000,"pending":3000`)
	contains(t, ask(t, path, 4, "plan", "nonsense"), "nonsense")
	contains(t, ask(t, path, 0, "status", moveName), "is pending", "0 changed", "attempt 0")
	if left := truthOf(t.Context(), openTest(t, path), wrongBoth).Remaining; left != 3000 {
		t.Errorf("after the plans %d rows are pending, want all 3000", left)
	}
}

// From another terminal, the rate, the batches and the window of an app that runs.
func TestCommandsThatTune(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	p := startOn(t, path, []string{"BGTRANSFORM_ROWS_PER_SECOND=500"})
	p.moves(t, 500)

	ask(t, path, 0, "tune", moveName, "rows-per-second=200", "batch_max=50", "--by", "ann", "--why", "the shop is slow")
	eventually(t, "it is limited by ann", func() bool { return p.status(t).Reason.Text == "rows per second 200" })
	contains(t, ask(t, path, 0, "status", moveName),
		"set         BATCH_MAX=50 by ann", "set         ROWS_PER_SECOND=200 by ann", "the shop is slow")
	ask(t, path, 0, "tune", moveName, "WINDOW=never", "--by", "bob")
	eventually(t, "it is outside of its window", func() bool { return p.status(t).Why().Code == bgtransform.ReasonWindow })
	ask(t, path, 0, "untune", moveName, "window", "batch_max", "--by", "bob", "--why", "enough")
	p.reaches(t, bgtransform.StateRunning)
	ask(t, path, 0, "tune", moveName, "rows_per_second=unlimited", "duty=100%", "--by", "ann")
	p.reaches(t, bgtransform.StateComplete)
	p.says(t, " 0 are wrong and 0 are left")
	contains(t, ask(t, path, 0, "log", moveName),
		"tune DUTY=100% (was default), ROWS_PER_SECOND=unlimited (was 200) by ann\n",
		"untune BATCH_MAX=default (was 50), WINDOW=default (was never) by bob: enough\n",
		"tune WINDOW=never (was default) by bob\n",
		"tune BATCH_MAX=50 (was default), ROWS_PER_SECOND=200 (was default) by ann: the shop is slow\n")
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
		"unknown transform":    {4, []string{"pause", "track-length"}, "no such transform"},
		"unknown status":       {4, []string{"status", "track-length"}, "no such transform"},
		"unknown action":       {2, []string{"stop", moveName}, `unknown command "stop" for "example-app transforms"; there are accept, cancel`},
		"unknown log":          {4, []string{"log", "track-length"}, "no such transform"},
		"log of what":          {2, []string{"log"}, "Name a transform"},
		"tune what":            {2, []string{"tune", moveName}, "Name a setting and its value"},
		"tune to what":         {2, []string{"tune", moveName, "duty"}, "want duty=VALUE, or duty=default"},
		"tune too much":        {2, []string{"tune", moveName, "duty=200%"}, `DUTY="200%": valid is a share`},
		"tune a switch":        {2, []string{"tune", moveName, "enabled=no"}, "ENABLED cannot be changed; what can is BATCH_MAX"},
		"untune nothing":       {5, []string{"untune", moveName}, "nobody has changed"},
		"no confirmation":      {2, []string{"cancel", moveName}, "give --yes"},
		"no name":              {2, []string{"pause"}, "Name a transform"},
		"too many words":       {2, []string{"pause", moveName, "now"}, "too many words"},
		"unknown flag":         {2, []string{"pause", moveName, "--who", "me"}, "--who"},
		"no database":          {1, []string{"--db", missing}, "start the app first"},
		"retry while pending":  {5, []string{"retry", moveName}, "not allowed"},
		"resume while pending": {5, []string{"resume", moveName}, "not allowed"},
		"help":                 {0, []string{"-h"}, "pause        Stop a transform between two batches"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contains(t, ask(t, path, tc.code, tc.words...), tc.want)
		})
	}
}
