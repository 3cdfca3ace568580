package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/bgtransform/sidecar/bgtransform"
)

// order is what somebody wants done with a transform.
type order struct {
	name     string
	by       bgtransform.By
	confirm  string // the name once more, typed
	settings map[bgtransform.Setting]string
	verify   bgtransform.VerifyOptions
	length   time.Duration // of run-now
}

// action is something that can be done with a transform.
type action struct {
	name  string // in paths
	named string // in the log of actions and for Status.Allows; empty: it is for all states
	typed bool   // the transform's name is to be typed
	do    func(ctx context.Context, c *bgtransform.Control, o order) error
}

// actions lists what can be done, in the order in which it is offered.
func actions() []action {
	simple := func(name string, typed bool, do func(*bgtransform.Control, context.Context, string, bgtransform.By) error) action {
		return action{name, name, typed, func(ctx context.Context, c *bgtransform.Control, o order) error { return do(c, ctx, o.name, o.by) }}
	}
	stopVerify := simple("stop-verify", false, (*bgtransform.Control).StopVerify)
	stopVerify.named = "stop verify"
	return []action{
		simple("pause", false, (*bgtransform.Control).Pause),
		simple("resume", false, (*bgtransform.Control).Resume),
		simple("retry", false, (*bgtransform.Control).Retry),
		simple("accept", false, (*bgtransform.Control).Accept),
		{"verify", "verify", false, verify},
		stopVerify,
		{"tune", "", false, func(ctx context.Context, c *bgtransform.Control, o order) error {
			return c.Tune(ctx, o.name, o.by, o.settings)
		}},
		{"untune", "", false, untune},
		{"run-now", "", true, runNow},
		simple("cancel", true, (*bgtransform.Control).Cancel),
		simple("restart", true, (*bgtransform.Control).Restart),
		simple("revert", true, (*bgtransform.Control).Revert),
	}
}

func verify(ctx context.Context, c *bgtransform.Control, o order) error {
	if o.verify.Sample != 0 && !(o.verify.Sample >= 0.0001 && o.verify.Sample <= 1) {
		return problem{http.StatusUnprocessableEntity, "the sample must be between 0.01 % and 100 % of the rows, or none for all"}
	}
	return c.Verify(ctx, o.name, o.verify, o.by)
}

func untune(ctx context.Context, c *bgtransform.Control, o order) error {
	var names []bgtransform.Setting
	for s := range o.settings {
		names = append(names, s)
	}
	return c.Untune(ctx, o.name, o.by, names...)
}

// actionNamed returns the action of a path; false if there is none.
func actionNamed(name string) (action, bool) {
	for _, a := range actions() {
		if a.name == name {
			return a, true
		}
	}
	return action{}, false
}

// oneLine is a text without what a terminal, a log or a database may take for more than
// text, and without what has it read in another order than it is written.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case unicode.IsControl(c), c == '\u2028', c == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, c):
			return -1
		default:
			return c
		}
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// actTime bounds what an action may take.
const actTime = 15 * time.Second

// carryOut does what somebody wants, and logs who it was. Instances follow within seconds.
func (h *Handler) carryOut(r *http.Request, o order) error {
	a, known := actionNamed(r.PathValue("action"))
	if !known {
		return problem{http.StatusNotFound, fmt.Sprintf("there is no action %q", r.PathValue("action"))}
	}
	if a.typed && strings.TrimSpace(o.confirm) != o.name {
		return problem{http.StatusUnprocessableEntity, fmt.Sprintf("to %s, type the name of the transform, %s, as a confirmation", a.name, o.name)}
	}
	o.by = bgtransform.By{Who: oneLine(userOf(r).Name), Why: oneLine(o.by.Why)}
	ctx, cancel := context.WithTimeout(r.Context(), actTime)
	defer cancel()
	err := a.do(ctx, h.control, o)
	h.board.expire(o.name)
	if err != nil {
		h.log.WarnContext(ctx, "bgtransform: an action of the admin page failed", "action", a.name, "transform", o.name, "by", o.by.Who, "error", err)
		return err
	}
	h.log.InfoContext(ctx, "bgtransform: an action of the admin page", "action", a.name, "transform", o.name, "by", o.by.Who, "from", r.RemoteAddr)
	return nil
}
