package store_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// tuned is a change of one setting, for the tests of statements.
func tuned(map[string]store.Setting, int64) (map[string]store.Setting, string, error) {
	return map[string]store.Setting{"DUTY": {Value: "0.2", ByWhom: "ann", SinceMS: 1}}, "DUTY=0.2", nil
}

// tune sets one setting and leaves the others.
func (f *fixture) tune(name, value string) error {
	return f.store.Tune(f.Context(), "x", store.Action{Action: "tune", ByWhom: "ann", Why: "it's peak"},
		func(changed map[string]store.Setting, nowMS int64) (map[string]store.Setting, string, error) {
			after := maps.Clone(changed)
			if after == nil {
				after = map[string]store.Setting{}
			}
			after[name] = store.Setting{Value: value, ByWhom: "ann", SinceMS: nowMS}
			return after, name + "=" + value, nil
		})
}

func TestTuneIsKeptAndLogged(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.must(f.store.Act(t.Context(), "x", store.Change{Action: "pause", ByWhom: "bob", Why: "lunch", Desired: store.Paused}, allow))
		f.must(f.tune("DUTY", "0.2"))
		f.must(f.tune("WINDOW", `0 22 * * * for 8h in "Here" \ 'there' ?`))
		got, err := f.store.Intent(t.Context(), "x")
		f.must(err)
		if got.Revision != 3 || got.Desired != store.Paused || got.ByWhom != "bob" || got.Why != "lunch" {
			t.Errorf("intent is %+v; want revision 3, paused by bob: lunch", got)
		}
		changed, err := f.record().Intent.Changed()
		f.must(err)
		want := map[string]store.Setting{
			"DUTY":   {Value: "0.2", ByWhom: "ann"},
			"WINDOW": {Value: `0 22 * * * for 8h in "Here" \ 'there' ?`, ByWhom: "ann"},
		}
		if diff := cmp.Diff(want, changed, cmpopts.IgnoreFields(store.Setting{}, "SinceMS")); diff != "" {
			t.Errorf("changed settings (-want +got):\n%s", diff)
		}
		if since := changed["DUTY"].SinceMS; since < got.SinceMS {
			t.Errorf("changed at %d, before the pause at %d", since, got.SinceMS)
		}
		log, err := f.store.Actions(t.Context(), "x", 2)
		f.must(err)
		if got := log[1]; got.Action != "tune" || got.ByWhom != "ann" || got.Why != "it's peak" || got.What != "DUTY=0.2" || got.AtMS == 0 {
			t.Errorf("the log says %+v", got)
		}
	})
}

func TestTuneToNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		f.must(f.tune("DUTY", "0.2"))
		f.must(f.store.Tune(t.Context(), "x", store.Action{Action: "untune", ByWhom: "ann"},
			func(map[string]store.Setting, int64) (map[string]store.Setting, string, error) {
				return nil, "DUTY", nil
			}))
		if got := f.record().Intent; got.Settings != "" || got.Revision != 2 {
			t.Errorf("intent is %+v, want no settings at revision 2", got)
		}
	})
}

func TestTuneRefusedLeavesNoTrace(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		before := f.record()
		refusal := errors.New("no")
		err := f.store.Tune(t.Context(), "x", store.Action{Action: "tune", ByWhom: "ann"},
			func(map[string]store.Setting, int64) (map[string]store.Setting, string, error) {
				return nil, "", refusal
			})
		if !errors.Is(err, refusal) || !strings.Contains(err.Error(), `tune transform "x"`) {
			t.Errorf("Tune = %v, want the refusal", err)
		}
		err = f.store.Tune(t.Context(), "nobody", store.Action{Action: "tune", ByWhom: "ann"}, tuned)
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Tune of an unknown transform = %v, want ErrNotFound", err)
		}
		if diff := cmp.Diff(before, f.record(), cmpopts.IgnoreFields(store.Record{}, "NowMS", "At")); diff != "" {
			t.Errorf("the record changed (-before +after):\n%s", diff)
		}
		for _, name := range []string{"x", "nobody"} {
			if log, err := f.store.Actions(t.Context(), name, 10); err != nil || len(log) != 0 {
				t.Errorf("the log of %s has %v, %v; want nothing", name, log, err)
			}
		}
	})
}

// Two operators who change different settings at the same time both succeed.
func TestTuneSideBySideLosesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		names := []string{"A", "B", "C", "D", "E", "F", "G", "H"}
		var wg sync.WaitGroup
		errs := make([]error, len(names))
		for i, name := range names {
			wg.Go(func() { errs[i] = f.tune(name, "1") })
		}
		wg.Wait()
		f.must(errors.Join(errs...))
		changed, err := f.record().Intent.Changed()
		f.must(err)
		if got := slices.Sorted(maps.Keys(changed)); !slices.Equal(got, names) {
			t.Errorf("changed are %v, want %v", got, names)
		}
	})
}

func TestChangedOfAnOddText(t *testing.T) {
	t.Parallel()
	in := store.Intent{Name: "x", Settings: "{"}
	if _, err := in.Changed(); err == nil || !strings.Contains(err.Error(), `settings of "x"`) {
		t.Errorf("Changed = %v, want an error that names the transform", err)
	}
}
