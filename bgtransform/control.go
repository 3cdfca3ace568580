package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Control is how operators steer transforms. It writes what they want to the
// database, where every instance sees it: within a second if a transform runs,
// within three if it waits for an operator, within 13 if it waits for its window,
// and within Config.IdlePoll if it is complete or cancelled. Every action is kept with who did it and why.
//
// It needs no scheduler, so that a command of its own process can use it. It
// is safe for concurrent use.
type Control struct {
	store    *store.Store
	fleet    fleet.Registry
	ownFleet bool // it is the table in the database
	wake     func(name string)

	verifiable func(name string) error // nil, or why it cannot be verified
	registered func() []string         // the names of the transforms of a scheduler
}

// NewControl returns the control of the transforms in a database. It does no I/O.
func NewControl(db *bun.DB) (*Control, error) {
	s, err := store.New(db)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	return &Control{store: s, fleet: s.Fleet(), ownFleet: true, wake: func(string) {}, verifiable: func(string) error { return nil }, registered: func() []string { return nil }}, nil
}

// By says who does something, and why.
type By struct {
	Who string // a person or a system; at most 200 bytes are kept
	Why string // may be empty
}

// Pause stops a transform between two batches, until it is resumed.
func (c *Control) Pause(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "pause", Desired: store.Paused})
}

// Resume lets a paused transform go on where it was.
func (c *Control) Resume(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "resume", Desired: store.Run})
}

// Cancel gives a transform up: it stops between two batches. What it has
// written stays. Only a restart begins it again.
func (c *Control) Cancel(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "cancel", Desired: store.Cancelled})
}

// Retry tries the rows in quarantine again, in a new pass, and lets a
// transform that has failed go on. Of a revert, also of one that has come to its
// end, it tries the journal entries again that the database has refused.
func (c *Control) Retry(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "retry", Desired: store.Run, Retry: true})
}

// Accept accepts that the rows in quarantine stay as they are: they no longer
// block completion. Rows that come to quarantine later are not accepted.
//
// Where [Status.Disputed], it accepts that the instance in dispute had no old column, so
// that nothing is to be moved: all rows stay as they are, the transform is complete and
// verified as before, and never runs again. Where [Status.Outdated], it takes the wish for
// a new run back.
func (c *Control) Accept(ctx context.Context, name string, by By) error {
	if err := signed("accept", name, by); err != nil {
		return err
	}
	err := settle(ctx, c.store, store.Action{Name: name, Action: "accept", ByWhom: clip(by.Who, 200), Why: clip(by.Why, 2000)})
	switch {
	case err == nil:
		c.wake(name)
		return nil
	case !errors.Is(err, errDecided):
		return fmt.Errorf("bgtransform: %w", c.unknown(ctx, name, err))
	}
	return c.act(ctx, name, by, store.Change{Action: "accept", Accept: true})
}

// Restart begins a new run at the first row, with an empty quarantine. Rows
// that are no longer pending are left as they are. Where [Status.Disputed], it says that
// the instance in dispute wrote only the old columns: what those hold is put over the new
// ones. After a version without the old columns it is refused.
func (c *Control) Restart(ctx context.Context, name string, by By) error {
	return c.act(ctx, name, by, store.Change{Action: "restart", Desired: store.Run, Restart: true})
}

func (c *Control) act(ctx context.Context, name string, by By, change store.Change) error {
	if err := signed(change.Action, name, by); err != nil {
		return err
	}
	change.ByWhom, change.Why = clip(by.Who, 200), clip(by.Why, 2000)
	err := c.store.Act(ctx, name, change, func(rec store.Record) error {
		if err := allow(rec, change.Action); err != nil {
			return err
		}
		if change.Mode == store.ModeRevert && !rec.Journal {
			return fmt.Errorf("%w: its journal has nothing to revert; a transform keeps a journal from the moment that it runs with Options.Journal, until DropJournal", ErrNotAllowed)
		}
		if change.Retry && State(rec.Transform.State) == StateReverted && !rec.Refused {
			return fmt.Errorf("%w: it is reverted, and the database has refused no entry of its journal", ErrNotAllowed)
		}
		if change.Accept && rec.Held == 0 {
			return fmt.Errorf("%w: no row is in quarantine", ErrNotAllowed)
		}
		if change.Verify != nil && !change.Verify.Begin && !verifyWanted(rec) {
			return fmt.Errorf("%w: no verification is under way", ErrNotAllowed)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bgtransform: %w", c.unknown(ctx, name, err))
	}
	c.wake(name)
	return nil
}

// signed returns an error unless somebody says who does it.
func signed(action, name string, by By) error {
	if strings.TrimSpace(by.Who) == "" {
		return fmt.Errorf("bgtransform: %s transform %q: By.Who is empty; say who does it", action, name)
	}
	return nil
}

// allow returns an error unless the transform is in, or on its way to, a state that
// the action is for.
func allow(rec store.Record, action string) error {
	switch {
	case rec.Transform.ContractedMS > 0 && needsOld(action):
		return fmt.Errorf("%w: %s", ErrNotAllowed, contractedText(rec))
	case disputed(rec) && action == "retry":
		return fmt.Errorf("%w: to try again settles nothing; %s", ErrNotAllowed, inDispute(rec).Text)
	}
	allowed := allowedIn(action)
	if state := wantedState(rec); !slices.Contains(allowed, state) {
		return fmt.Errorf("%w: it is %s; %s is for %s", ErrNotAllowed, state, action, list(allowed))
	}
	return nil
}

// wantedState is the state a transform is on its way to: an operator's wish
// counts as soon as it is written down.
func wantedState(rec store.Record) State {
	if wish, _ := wishOf(State(rec.Transform.State), rec.Intent); wish != "" {
		return wish
	}
	if rec.Intent.Restarts > rec.Range.Restarts && rec.Intent.Mode == store.ModeRevert {
		return StateReverting
	}
	switch state := State(rec.Transform.State); state {
	case StatePaused:
		return activeIn(rec.Range.Mode) // resumed, but no instance has seen it yet
	default:
		return state
	}
}

// list joins states as people do: "a, b or c".
func list(states []State) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
