package cobracli

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// App is what the commands work on.
type App struct {
	// DB is the database of the app, in which the tables of bgtransform are. It is
	// required.
	DB *bun.DB

	// Scheduler has the app's transforms registered, and does not run: plan and finish
	// need their code, and the gate their definitions. Give it the server's own
	// bgtransform.Config, the Locker and the Fleet too (see the package's documentation
	// for why), but for a Logger that is silent or writes to a file: what it says would
	// get between the lines of finish. Nil means that there is none.
	Scheduler *bgtransform.Scheduler

	// Close is called once the command has ended, also when Open returns an error
	// together with it. Nil means that nothing is to be closed.
	Close func() error
}

// Open returns what one command works on. It is called after the flags are parsed, once
// for each command and for each completion of a name, and need not connect.
type Open func(ctx context.Context) (App, error)

// control returns what steers the transforms.
func (a App) control() (*bgtransform.Control, error) {
	if a.Scheduler != nil {
		return a.Scheduler.Control(), nil
	}
	return bgtransform.NewControl(a.DB)
}

// registered returns the names of the app's own transforms.
func (a App) registered() []string {
	if a.Scheduler == nil {
		return nil
	}
	var names []string
	for _, t := range a.Scheduler.Transforms() {
		names = append(names, t.Definition().Name)
	}
	return names
}
