package bgtransform_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A name that is misspelt comes back with the one that was meant, from every call that
// takes a name; one that resembles none, with those that there are.
func TestMisspeltNames(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1)
	in := start(t, db, quick(t), toMS("track-length-ms"))
	in.untilState("track-length-ms", bgtransform.StateComplete)
	s, err := bgtransform.New(db, quick(t))
	must(t, err)
	must(t, s.Register(toMS("track-length-ms"), toMS("not-yet")))
	control, err := bgtransform.NewControl(db)
	must(t, err)
	says := func(what string, err error, want string) {
		t.Helper()
		if !errors.Is(err, bgtransform.ErrUnknownTransform) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want ErrUnknownTransform and %q", what, err, want)
		}
	}
	ctx, meant := t.Context(), `did you mean "track-length-ms"?`
	for _, name := range []string{"track-lenght-ms", "Track-Length-MS"} {
		_, err = control.Status(ctx, name)
		says("status", err, meant)
		says("pause", control.Pause(ctx, name, ann), meant)
		says("tune", control.Tune(ctx, name, ann, map[bgtransform.Setting]string{bgtransform.SettingDuty: "10%"}), meant)
		_, err = s.Plan(ctx, name, bgtransform.PlanOptions{})
		says("plan", err, meant)
		says("finish", s.Finish(ctx, name, bgtransform.FinishOptions{}), meant)
	}
	says("nothing like it", control.Pause(ctx, "x", ann), "there is only track-length-ms")
	says("nothing like it here", s.Control().Pause(ctx, "x", ann), "there are not-yet, track-length-ms")
	says("not yet there", s.Control().Pause(ctx, "not-yet", ann), "no instance has started with it yet")
}

// Many names are not all listed, and where nothing ever ran the error says that.
func TestUnknownNameAmongMany(t *testing.T) {
	t.Parallel()
	s, err := bgtransform.New(newDB(t, 1), quick(t))
	must(t, err)
	if err := s.Control().Pause(t.Context(), "x", ann); !errors.Is(err, bgtransform.ErrUnknownTransform) || !strings.Contains(err.Error(), "no instance of the app has made its tables yet") {
		t.Errorf("without tables the error is %v", err)
	}
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("transform-number-%02d", i))
		must(t, s.Register(toMS(names[i])))
	}
	if _, err := s.Control().Status(t.Context(), "transform-numbr-03"); err == nil || !strings.HasSuffix(err.Error(), `did you mean "transform-number-03"?`) {
		t.Errorf("without tables, misspelt, the error is %v", err)
	}
	if _, err := s.Plan(t.Context(), "x", bgtransform.PlanOptions{}); err == nil || !strings.HasSuffix(err.Error(), "transform-number-09 and 2 more") {
		t.Errorf("the error is %v, want ten names and how many more", err)
	}
	for i, tr := range s.Transforms() {
		if got := tr.Definition().Name; got != names[i] {
			t.Errorf("transform %d is %q, want %q", i, got, names[i])
		}
	}
	if n := len(s.Transforms()); n != 12 {
		t.Errorf("%d transforms are registered, want 12", n)
	}
}
