package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// summarise says how a run has ended, and what the app itself found.
func (a *app) summarise(ctx context.Context, st bgtransform.Status, users *traffic) {
	a.con.Printf("%s is complete: %s rows in %s, in pass %d of run %d, attempt %d; %s", st.Transform, thousands(st.Rows),
		runTime(st).Round(100*time.Millisecond), st.Pass, st.Run, st.Attempt, truthOf(ctx, a.catalogue.db, a.catalogue.tally))
	if st.Moved > 0 {
		a.con.Printf("%s times an editor changed a row that was just being moved: the edit won", thousands(st.Moved))
	}
	a.con.Printf("%s; %s lengths that were read came from the old column", users.summary(), thousands(int64(a.catalogue.length.Stats().Fallbacks)))
	if !a.cfg.Once {
		a.con.Printf("the app goes on serving until Ctrl-C")
	}
}

// String tells a tally to people.
func (t tally) String() string {
	if t.Tracks < 0 {
		return "the truth could not be read"
	}
	return fmt.Sprintf("of %s tracks %s are wrong and %s are left", thousands(t.Tracks), thousands(t.Wrong), thousands(t.Remaining))
}

// runTime is how long a run has taken, from its first batch on, with all pauses.
func runTime(st bgtransform.Status) time.Duration {
	end := st.Completed
	if end.IsZero() {
		end = st.Updated
	}
	if st.Started.IsZero() {
		return 0
	}
	return max(0, end.Sub(st.Started))
}
