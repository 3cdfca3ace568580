package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

const transformsHelp = `Usage: example-app transforms                      list all
       example-app transforms status [NAME]        and what is in quarantine
       example-app transforms pause|resume NAME    stop between two batches; go on
       example-app transforms retry|accept NAME    try the rows in quarantine again; leave them as they are
       example-app transforms cancel|restart NAME  give up; begin again at the first row
       example-app transforms tune NAME SETTING=VALUE…  change how it runs, over flags and code
       example-app transforms untune NAME [SETTING…]    set that back, or all of it
       example-app transforms log NAME             who did what, and why
       example-app transforms plan NAME            what it would do, tried on a sample that is rolled back
       example-app transforms verify NAME          look at the rows of a complete one again
       example-app transforms reads NAME           how often the old column was read, and by whom
       example-app transforms finish NAME          do what is left now, here, and wait for it
       example-app transforms gate NAME…           may the old column go? 0 yes, 3 not yet, 1 nobody knows

The settings are phase (old, fallback, compare, new), rows_per_second (2000, or unlimited), duty (20%), batch_target (100ms),
batch_min and batch_max (keys), and window (always, never, or such as
"0 22 * * * for 8h in Europe/Berlin").

It works on the database of a running app, which heeds it within three seconds, or within 13 while it waits for its window.
The database is that of -db or, without it, of DATABASE_URL.

Flags:
`

// order is what an operator asks for on the command line.
type order struct {
	database database
	action   string
	name     string
	settings []string // of tune and untune, as they were typed; of gate, more names
	by       bgtransform.By

	asJSON   bool // of plan, reads and gate
	examples int
	quiet    time.Duration // of gate
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
	switch o.action {
	case "plan":
		return showPlan(ctx, stdout, db, o)
	case "finish":
		return finishNow(ctx, stdout, db, o)
	case "gate":
		return askGate(ctx, stdout, db, o)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	switch o.action {
	case "status":
		return showStatus(ctx, stdout, control, o.name)
	case "log":
		return showLog(ctx, stdout, control, o.name)
	case "reads":
		return showReads(ctx, stdout, control, o)
	}
	if err := o.carryOut(ctx, control); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: asked to %s; a running app heeds it within seconds\n", o.name, o.action)
	return err
}

// account is the name of the account that the process runs under, for an environment
// without one: the log of actions is to say who did what.
func account() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// parseOrder reads the command line. Flags may stand before, between and after
// the words.
func parseOrder(args []string, getenv func(string) string, stderr io.Writer) (order, error) {
	fs := newFlagSet("transforms", transformsHelp, stderr)
	db := fs.String("db", "", databaseHelp)
	by := fs.String("by", cmp.Or(getenv("USER"), getenv("LOGNAME"), account()), "`who` asks")
	why := fs.String("why", "", "a `reason`, for those who read the status")
	asJSON := fs.Bool("json", false, "print a plan, reads or the gate's answer as JSON")
	quiet := fs.Duration("quiet", 24*time.Hour, "for `how long` the gate wants no read of the old column")
	examples := fs.Int("examples", 0, "show this many `rows` with a plan, as they are and as they would be")
	words, err := parseAnywhere(fs, args)
	if err != nil {
		return order{}, err
	}
	o := order{action: "status", by: bgtransform.By{Who: *by, Why: *why}, asJSON: *asJSON, examples: *examples, quiet: *quiet}
	if o.database, err = parseDatabase(cmp.Or(*db, getenv("DATABASE_URL")), "rw"); err != nil {
		return order{}, err
	}
	if len(words) > 0 {
		o.action = words[0]
	}
	if len(words) > 1 {
		o.name, o.settings = words[1], words[2:]
	}
	return o, o.check()
}

func (o order) check() error {
	switch o.action {
	case "status", "pause", "resume", "cancel", "retry", "accept", "restart", "log", "tune", "untune", "plan", "verify", "reads", "finish", "gate":
	default:
		return usagef("unknown action %q; want status, log, pause, resume, cancel, retry, accept, restart, tune, untune, plan, verify, reads, finish or gate", o.action)
	}
	switch {
	case o.name == "" && o.action != "status":
		return usagef("%s what? Name a transform, such as %s", o.action, moveName)
	case o.action == "tune" && len(o.settings) == 0:
		return usagef("tune what of %s? Name a setting and its value, such as rows_per_second=500", o.name)
	case o.action != "tune" && o.action != "untune" && o.action != "gate" && len(o.settings) > 0:
		return usagef("too many words: %s; want an action and a name", strings.Join(o.settings, " "))
	}
	return nil
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
	case "verify":
		return c.Verify(ctx, o.name, bgtransform.VerifyOptions{}, o.by)
	case "tune":
		values, err := o.values()
		if err != nil {
			return err
		}
		return c.Tune(ctx, o.name, o.by, values)
	case "untune":
		names := make([]bgtransform.Setting, len(o.settings))
		for i, s := range o.settings {
			names[i] = setting(s)
		}
		return c.Untune(ctx, o.name, o.by, names...)
	default:
		return c.Restart(ctx, o.name, o.by)
	}
}

// values reads the words of tune: rows_per_second=500.
func (o order) values() (map[bgtransform.Setting]string, error) {
	values := map[bgtransform.Setting]string{}
	for _, word := range o.settings {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, usagef("%s has no value; want %s=VALUE, or %s=%s to set it back", word, word, word, bgtransform.Default)
		}
		values[setting(name)] = value
	}
	return values, nil
}

// setting returns the setting that somebody has typed, as they are used to.
func setting(typed string) bgtransform.Setting {
	return bgtransform.Setting(strings.ToUpper(strings.ReplaceAll(typed, "-", "_")))
}
