package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

const transformsHelp = `Usage: example-app transforms                      list all
       example-app transforms status [NAME]        and what is in quarantine
       example-app transforms pause|resume NAME    stop between two batches; go on
       example-app transforms retry|accept NAME    try the rows in quarantine again; leave them as they are
       example-app transforms cancel|restart NAME  give up; begin again at the first row

It works on the database of a running app, which heeds it within two seconds.
The database is that of -db or, without it, of DATABASE_URL.

Flags:
`

// order is what an operator asks for on the command line.
type order struct {
	database database
	action   string
	name     string
	by       bgtransform.By
}

// transforms runs the command of that name.
func transforms(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o, err := parseOrder(args, getenv, stderr)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.database.file); o.database.file != "" && err != nil {
		return fmt.Errorf("there is no database %s; start the app first, or name another with -db", o.database.name)
	}
	db, err := o.database.open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	control, err := bgtransform.NewControl(db)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if o.action == "status" {
		return showStatus(ctx, stdout, control, o.name)
	}
	if err := o.carryOut(ctx, control); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: asked to %s; a running app heeds it within two seconds\n", o.name, o.action)
	return err
}

// parseOrder reads the command line. Flags may stand before, between and after
// the words.
func parseOrder(args []string, getenv func(string) string, stderr io.Writer) (order, error) {
	fs := newFlagSet("transforms", transformsHelp, stderr)
	db := fs.String("db", "", databaseHelp)
	by := fs.String("by", cmp.Or(getenv("USER"), getenv("LOGNAME"), "unknown"), "`who` asks")
	why := fs.String("why", "", "a `reason`, for those who read the status")
	words, err := parseAnywhere(fs, args)
	if err != nil {
		return order{}, err
	}
	o := order{action: "status", by: bgtransform.By{Who: *by, Why: *why}}
	if o.database, err = parseDatabase(cmp.Or(*db, getenv("DATABASE_URL")), "rw"); err != nil {
		return order{}, err
	}
	if len(words) > 2 {
		return order{}, usagef("too many words: %s; want an action and a name", strings.Join(words, " "))
	}
	if len(words) > 0 {
		o.action = words[0]
	}
	if len(words) > 1 {
		o.name = words[1]
	}
	return o, o.check()
}

func (o order) check() error {
	switch o.action {
	case "status":
		return nil
	case "pause", "resume", "cancel", "retry", "accept", "restart":
		if o.name == "" {
			return usagef("%s what? Name a transform, such as %s", o.action, moveName)
		}
		return nil
	default:
		return usagef("unknown action %q; want status, pause, resume, cancel, retry, accept or restart", o.action)
	}
}

// carryOut writes down what is wanted; a running app does it.
func (o order) carryOut(ctx context.Context, c *bgtransform.Control) error {
	switch o.action {
	case "pause":
		return c.Pause(ctx, o.name, o.by)
	case "resume":
		return c.Resume(ctx, o.name, o.by)
	case "cancel":
		return c.Cancel(ctx, o.name, o.by)
	case "retry":
		return c.Retry(ctx, o.name, o.by)
	case "accept":
		return c.Accept(ctx, o.name, o.by)
	default:
		return c.Restart(ctx, o.name, o.by)
	}
}
