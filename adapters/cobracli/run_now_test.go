package cobracli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// What runs outside its window does so for as long as somebody asked for, an hour as on
// the page, and not until somebody thinks of it: the window is what it was before
// afterwards.
func TestRunNow(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	s := start(t, d.seed(t, 10, false), throttle.Limits{Duty: 1})
	reach(t, s, "it is complete", in(bgtransform.StateComplete))
	ops := app{db: d}
	ops.wants(t, 5, words("run-now "+move+" --yes"), "its window is open already")
	ops.wants(t, 0, words("tune "+move+" window=never"))

	opens := func(line string, want time.Duration) result {
		t.Helper()
		asked := time.Now()
		r := ops.wants(t, 0, words("run-now "+move+" --yes "+line))
		all, err := s.Status(t.Context())
		must(t, err)
		w, err := window.Parse(all[0].Window)
		must(t, err)
		now := time.Now()
		closes, ok := w.Closes(now)
		if !ok || closes.Before(asked.Add(want-time.Minute)) || closes.After(now.Add(want)) {
			t.Errorf("after run-now %s the window %q closes %s later, %t; want %s", line, w, closes.Sub(now), ok, want)
		}
		if w.Contains(now.AddDate(0, 0, 1)) {
			t.Errorf("after run-now %s the window %q is open a day later too", line, w)
		}
		return r
	}
	r := opens("", time.Hour)
	for _, want := range []string{"closes by itself", "myapp transforms tune " + move + " window='never'"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("run-now says %q, want %q in it", r.out, want)
		}
	}
	var done cobracli.Done
	before := time.Now()
	must(t, json.Unmarshal([]byte(opens("--for 2h --why release --json", 2*time.Hour).out), &done))
	if done.Transform != move || done.Why != "release" || done.Until.Before(before.Add(2*time.Hour-time.Minute)) || done.Until.After(time.Now().Add(2*time.Hour)) {
		t.Errorf("run-now --for 2h says %+v", done)
	}
	ops.wants(t, 0, words("log "+move), "run now until ", ": release")
	for _, length := range []string{"10s", "13h"} {
		ops.wants(t, 2, words("run-now "+move+" --yes --for "+length), "1m to 12h")
	}
	ops.wants(t, 2, words("run-now "+move+" --for soon"), "--for")
}
