package cobracli_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// An app mounts the commands beside its own. What it does to have a scheduler is the
// same as in its server; only Run is not called.
func Example() {
	dir, _ := os.MkdirTemp("", "cobracli")
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "music.db")

	root := &cobra.Command{Use: "myapp"}
	root.AddCommand(cobracli.New(func(context.Context) (cobracli.App, error) {
		pool, err := sql.Open("sqlite", dsn(file))
		if err != nil {
			return cobracli.App{}, err
		}
		db := bun.NewDB(pool, sqlitedialect.New())
		sched, err := bgtransform.New(db, bgtransform.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return cobracli.App{}, err
		}
		return cobracli.App{DB: db, Scheduler: sched, Close: db.Close}, sched.Register(lengthMS())
	}))

	// In main: os.Exit(cobracli.ExitCode(root.Execute()))
	run := func(words ...string) {
		root.SetArgs(words)
		root.SetOut(os.Stdout)
		root.SetErr(os.Stdout)
		fmt.Println("exit code", cobracli.ExitCode(root.Execute()))
	}
	run("transforms", "list")
	run("transforms", "paus", "track-length-ms")
	// Output:
	// TRANSFORM        STATE    DONE  ROWS  RATE  FINISH  WHY
	// track-length-ms  pending  -     0     -     -       its tables do not exist: either no instance of the app has started here, or its user may not make them
	// exit code 0
	// Error: unknown command "paus" for "myapp transforms"; did you mean pause?
	// exit code 2
}
