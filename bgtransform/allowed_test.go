package bgtransform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// What a status allows is what the control does: all actions, in the states that a
// transform without an instance can be brought to.
func TestStatusAllowsWhatControlDoes(t *testing.T) {
	t.Parallel()
	ann := bgtransform.By{Who: "ann"}
	verify := func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
		return c.Verify(ctx, name, bgtransform.VerifyOptions{}, by)
	}
	actions := map[string]func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error{
		"pause": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Pause(ctx, name, by)
		},
		"resume": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Resume(ctx, name, by)
		},
		"cancel": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Cancel(ctx, name, by)
		},
		"retry": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Retry(ctx, name, by)
		},
		"accept": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Accept(ctx, name, by)
		},
		"restart": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.Restart(ctx, name, by)
		},
		"stop verify": func(ctx context.Context, c *bgtransform.Control, name string, by bgtransform.By) error {
			return c.StopVerify(ctx, name, by)
		},
		"verify": verify,
	}
	reach := map[string]func(t *testing.T, s *instance){
		"complete": func(*testing.T, *instance) {},
		"to be verified": func(t *testing.T, s *instance) {
			must(t, verify(t.Context(), s.Control(), "length", ann))
		},
		"to be restarted": func(t *testing.T, s *instance) {
			must(t, s.Control().Restart(t.Context(), "length", ann))
		},
	}
	for name, bring := range reach {
		for action, act := range actions {
			t.Run(name+"/"+action, func(t *testing.T) {
				t.Parallel()
				s := start(t, newDB(t, 1), quick(t), toMS("length"))
				s.untilState("length", bgtransform.StateComplete)
				s.stop()
				bring(t, s)
				all, err := s.Control().Status(t.Context(), "length")
				must(t, err)
				if name == "to be restarted" && action != "restart" {
					return // it is shown as waiting, and is in the database as complete
				}
				err = act(t.Context(), s.Control(), "length", ann)
				if all[0].Allows(action) != (err == nil) || err != nil && !errors.Is(err, bgtransform.ErrNotAllowed) {
					t.Errorf("a status that is %s allows it: %t; the control says %v", all[0].State, all[0].Allows(action), err)
				}
			})
		}
	}
}

func TestStatusAllows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status bgtransform.Status
		yes    []string
		no     []string
	}{
		{bgtransform.Status{State: bgtransform.StateRunning}, []string{"pause", "cancel", "restart"}, []string{"resume", "accept", "verify", ""}},
		{bgtransform.Status{State: bgtransform.StatePaused}, []string{"resume"}, []string{"pause", "retry"}},
		{
			bgtransform.Status{State: bgtransform.StateRunning, Reason: bgtransform.Reason{Code: bgtransform.ReasonPaused, Text: "about to be paused"}},
			[]string{"resume"},
			[]string{"pause"},
		},
		{
			bgtransform.Status{State: bgtransform.StateRunning, Reason: bgtransform.Reason{Code: bgtransform.ReasonCancelled, Text: "about to be cancelled"}},
			[]string{"restart"},
			[]string{"pause", "cancel"},
		},
		{bgtransform.Status{State: bgtransform.StateWaiting, Quarantined: 2}, []string{"accept", "retry"}, []string{"resume"}},
		{bgtransform.Status{State: bgtransform.StateComplete}, []string{"verify", "revert", "drop-journal"}, []string{"stop verify", "pause"}},
	} {
		for _, action := range tc.yes {
			if !tc.status.Allows(action) {
				t.Errorf("%+v does not allow %q", tc.status, action)
			}
		}
		for _, action := range tc.no {
			if tc.status.Allows(action) {
				t.Errorf("%+v allows %q", tc.status, action)
			}
		}
	}
}
