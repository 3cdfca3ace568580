package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

const walkHelp = `Usage: example-app walk [flags]

Walks through the four releases with real processes, two of them side by side at each
transition, a rollback in the middle, and users in all of them; and says what happens.
It takes about a minute, on a new SQLite file unless -db or DATABASE_URL names an
empty database.

Flags:
`

// walk runs the command of that name.
func walk(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	fs := newFlagSet("walk", walkHelp, stderr)
	address := fs.String("db", "", "an empty database, as the app's -db")
	tracks := fs.Int64("tracks", 3000, "how many tracks the catalogue begins with")
	if err := fs.Parse(args); err != nil {
		return asUsage(err)
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }
	at := cmp.Or(*address, getenv("DATABASE_URL"))
	if at == "" {
		dir, err := os.MkdirTemp("", "example-app-walk")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		at = filepath.Join(dir, "catalogue.db")
	}
	w, err := newWalker(ctx, at, say)
	if err != nil {
		return err
	}
	defer func() { _ = w.db.Close() }()
	defer w.close()
	w.tracks = *tracks
	return w.story(ctx)
}

// newWalker returns a walker with an empty database.
func newWalker(ctx context.Context, address string, say func(string, ...any)) (*walker, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at, err := parseDatabase(address, "rwc")
	if err != nil {
		return nil, err
	}
	db, err := at.open()
	if err != nil {
		return nil, err
	}
	if names, err := applied(ctx, db); err == nil && len(names) > 0 {
		_ = db.Close()
		return nil, fmt.Errorf("the database %s has a catalogue already; the walk needs an empty one", at.name)
	}
	control, err := bgtransform.NewControl(db)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return &walker{
		binary: binary, address: address, db: db, control: control, say: say,
		env:    append(os.Environ(), "BGTRANSFORM_ROWS_PER_SECOND=1000", "BGTRANSFORM_BATCH_SIZE=100"),
		tracks: 3000, quiet: 2 * time.Second, calm: time.Second,
	}, nil
}
