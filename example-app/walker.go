package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// walker deploys releases on one database, has users in all of them, and looks at
// what comes of it.
type walker struct {
	binary  string
	address string   // of the database, as -db takes it
	env     []string // of the instances
	tracks  int64
	quiet   time.Duration // of the gate
	calm    time.Duration // how long users have after each step

	db      *bun.DB
	control *bgtransform.Control
	say     func(format string, args ...any)

	launched int
	live     []*deployment
	total    saw
}

// step is a part of a walk.
type step func(ctx context.Context) error

// inOrder makes steps, up to the first that fails.
func inOrder(ctx context.Context, steps ...step) error {
	for _, do := range steps {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deploy starts a release beside those that are alive, and waits until it serves and
// the pool knows it.
func (w *walker) deploy(release int) step {
	return func(ctx context.Context) error {
		d, err := w.launch(ctx, release)
		if err != nil {
			return err
		}
		w.live = append(w.live, d)
		err = w.until(ctx, fmt.Sprintf("release %d serves", release), func() bool {
			return d.ended() || d.serves(ctx) && w.knows(ctx, d)
		})
		if d.ended() {
			return fmt.Errorf("release %d has ended: %s", release, d.why())
		}
		if err != nil {
			return err
		}
		w.say("   + release %d is deployed, as %s", release, d.name)
		return w.use(ctx)
	}
}

// retire stops a release, and waits until the pool knows.
func (w *walker) retire(release int) step {
	return func(ctx context.Context) error {
		i := slices.IndexFunc(w.live, func(d *deployment) bool { return d.release == release })
		if i < 0 {
			return fmt.Errorf("release %d is not alive", release)
		}
		d := w.live[i]
		w.live = slices.Delete(w.live, i, i+1)
		s, err := d.stop()
		w.total.add(s)
		if err != nil {
			return err
		}
		err = w.until(ctx, fmt.Sprintf("release %d has left", release), func() bool { return !w.knows(ctx, d) })
		if err != nil {
			return err
		}
		w.say("   - release %d has left; its users read %d times, edited %d tracks and added %d: %d wrong, %d failed",
			release, s.Reads, s.Edits, s.Added, s.Wrong, s.Failed)
		return w.use(ctx)
	}
}

// refused starts a release that must not start, and returns what it says.
func (w *walker) refused(ctx context.Context, release int) (string, error) {
	d, err := w.launch(ctx, release)
	if err != nil {
		return "", err
	}
	err = w.until(ctx, fmt.Sprintf("release %d is refused", release), func() bool { return d.ended() || d.serves(ctx) })
	if !d.ended() {
		d.kill()
		return "", errors.Join(err, fmt.Errorf("release %d: %w", release, errNotRefused))
	}
	if !strings.Contains(d.why(), "may not start") {
		return "", fmt.Errorf("release %d has ended: %s", release, d.why())
	}
	w.say("   x %s", indent(d.why()))
	return d.why(), err
}

// close ends what is left.
func (w *walker) close() {
	for _, d := range w.live {
		d.kill()
	}
}

// use lets the users work for a while.
func (w *walker) use(ctx context.Context) error {
	sleep(ctx, w.calm)
	return ctx.Err()
}

// until waits until is reports true.
func (w *walker) until(ctx context.Context, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	for !is() {
		if sleep(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("waited too long until %s: %w; %s", what, ctx.Err(), w.standing(context.WithoutCancel(ctx)))
		}
	}
	return nil
}

// knows reports whether the pool knows an instance as one that is alive.
func (w *walker) knows(ctx context.Context, d *deployment) bool {
	pool, err := members(ctx, w.db)
	return err == nil && slices.ContainsFunc(pool.Live(), func(s fleet.Sighting) bool { return s.Instance == d.name })
}

// untilStage waits until a release is in a stage.
func (w *walker) untilStage(release int, want fleet.Stage) step {
	return func(ctx context.Context) error {
		return w.until(ctx, fmt.Sprintf("release %d is in stage %s", release, want), func() bool {
			pool, err := members(ctx, w.db)
			return err == nil && slices.ContainsFunc(pool.Live(), func(s fleet.Sighting) bool {
				return s.Version == strconv.Itoa(release) && s.Stage(moveName) == want
			})
		})
	}
}

// untilStatus waits until the transform is as it should be.
func (w *walker) untilStatus(ctx context.Context, what string, is func(bgtransform.Status) bool) error {
	return w.until(ctx, what, func() bool {
		all, err := w.control.Status(ctx, moveName)
		return err == nil && is(all[0])
	})
}

// untilComplete waits until all rows are moved.
func (w *walker) untilComplete(ctx context.Context) error {
	return w.untilStatus(ctx, moveName+" is complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
}

// standing is what operators see, in a line: the pool, and the transform.
func (w *walker) standing(ctx context.Context) string {
	var parts []string
	if pool, err := members(ctx, w.db); err == nil {
		for _, s := range pool.Live() {
			parts = append(parts, fmt.Sprintf("%s of release %s in stage %s", s.Instance, s.Version, s.Stage(moveName)))
		}
	}
	slices.Sort(parts)
	line := "pool: " + strings.Join(parts, ", ")
	all, err := w.control.Status(ctx, moveName)
	if err != nil {
		return line
	}
	line += fmt.Sprintf("; %s is %s, %s rows changed", moveName, all[0].State, thousands(all[0].Rows))
	if why := all[0].Why().Text; why != "" {
		line += ": " + why
	}
	return line
}

// show tells people how it stands.
func (w *walker) show(ctx context.Context) { w.say("     %s", w.standing(ctx)) }

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n     ") }

func (s *saw) add(o saw) {
	s.Reads, s.Edits, s.Added = s.Reads+o.Reads, s.Edits+o.Edits, s.Added+o.Added
	s.Wrong, s.Failed = s.Wrong+o.Wrong, s.Failed+o.Failed
}
