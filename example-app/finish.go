package main

import (
	"context"
	"fmt"
	"io"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// finishNow does what is left of a transform in this process, and prints how far it is
// whenever that changes. An app that runs hands the work over, and takes it back when
// this ends early.
func finishNow(ctx context.Context, w io.Writer, db *bun.DB, o order) error {
	sched, err := newPlanner(db)
	if err != nil {
		return err
	}
	said := ""
	return sched.Finish(ctx, o.name, bgtransform.FinishOptions{By: o.by, Progress: func(st bgtransform.Status) {
		if line := progressLine(st); line != said {
			said = line
			_, _ = fmt.Fprintln(w, line)
		}
	}})
}

func progressLine(st bgtransform.Status) string {
	line := fmt.Sprintf("%s is %s: %s tracks changed", st.Transform, st.State, thousands(st.Rows))
	if st.Progress >= 0 {
		line += fmt.Sprintf(", %.0f%% done", 100*st.Progress)
	}
	if st.State == bgtransform.StateComplete {
		return line
	}
	if finish := st.Finish; finish.State == bgtransform.ForecastReady {
		line += ", " + finish.String()
	}
	return because(line, st.Why().Text)
}
