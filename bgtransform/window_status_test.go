package bgtransform_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// A status tells the window: the code's before the first attempt, where there is a
// scheduler; after it everywhere; and what an operator has set instead.
func TestStatusTellsTheWindow(t *testing.T) {
	t.Parallel()
	const nights, set = "0 22 * * * for 8h in Europe/Berlin", "0 1 * * * for 2h in UTC"
	db := newDB(t, 3)
	cfg := quick(t)
	cfg.Window = window.MustParse(nights)
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(toMS("length")))
	all, err := s.Status(t.Context())
	must(t, err)
	if all[0].Window != nights {
		t.Errorf("before the first start the window is %q, want %q", all[0].Window, nights)
	}

	cfg.Window = window.Window{}
	in := start(t, db, cfg, toMS("length"))
	in.untilState("length", bgtransform.StateComplete)
	control, err := bgtransform.NewControl(db)
	must(t, err)
	wants := func(when, want string) {
		t.Helper()
		here, err := in.Status(t.Context())
		must(t, err)
		elsewhere, err := control.Status(t.Context(), "length")
		must(t, err)
		if here[0].Window != want || elsewhere[0].Window != want {
			t.Errorf("%s the window is %q here and %q elsewhere, want %q", when, here[0].Window, elsewhere[0].Window, want)
		}
	}
	wants("after the first run", "always")
	must(t, control.Tune(t.Context(), "length", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{bgtransform.SettingWindow: set}))
	wants("once an operator has set one", set)
}
