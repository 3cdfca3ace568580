package contract

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Option changes how a function of this package goes about it. Where two say the
// same, the later one counts.
type Option interface{ apply(c config) config }

type option func(c config) config

func (o option) apply(c config) config { return o(c) }

// config is what options make. Its zero value stands for the defaults.
type config struct {
	schema    string
	transform string
	lock      time.Duration
	patience  time.Duration
	progress  time.Duration
	logger    *slog.Logger
}

// LockTimeout bounds how long a statement that needs the table to itself waits for
// it, and with it how long statements of the app wait behind it. Defaults to
// 500 ms. MariaDB counts whole seconds, and rounds up.
func LockTimeout(d time.Duration) Option {
	return option(func(c config) config { c.lock = d; return c })
}

// Patience bounds for how long it is tried to get the table, with pauses that grow to
// half a minute, before it is given up with [ErrBusy]. Defaults to 10 minutes. It does not bound
// what works beside the app: only the context ends that.
func Patience(d time.Duration) Option {
	return option(func(c config) config { c.patience = d; return c })
}

// ProgressEvery sets how often a statement that takes long is reported to the
// logger, with how far it is and whom it waits for. Defaults to 10 s.
func ProgressEvery(d time.Duration) Option {
	return option(func(c config) config { c.progress = d; return c })
}

// Logger receives each step before it is made, or that there is none to make, at level Info, and
// each time that it gives way, at level Warn. Nil, the default, is [slog.Default].
func Logger(l *slog.Logger) Option {
	return option(func(c config) config { c.logger = l; return c })
}

// Schema names the table's schema on PostgreSQL, its database on MariaDB, an attached
// database on SQLite. Without it the table is found as the app's own statements find it.
func Schema(name string) Option {
	return option(func(c config) config { c.schema = name; return c })
}

// Transform names the transform that moves the rows, for errors that say what has to
// be completed first.
func Transform(name string) Option {
	return option(func(c config) config { c.transform = name; return c })
}

// configure returns the options with their defaults, or all that is wrong with them.
func configure(opts []Option) (config, error) {
	var c config
	for _, o := range opts {
		c = o.apply(c)
	}
	err := errors.Join(atLeast("LockTimeout", c.lock), atLeast("Patience", c.patience), atLeast("ProgressEvery", c.progress))
	c.lock = cmp.Or(c.lock, 500*time.Millisecond)
	c.patience = cmp.Or(c.patience, 10*time.Minute)
	c.progress = cmp.Or(c.progress, 10*time.Second)
	if c.logger == nil {
		c.logger = slog.Default()
	}
	return c, err
}

// atLeast refuses what a server would round to nothing, which it takes for no limit.
func atLeast(name string, d time.Duration) error {
	if d != 0 && d < time.Millisecond {
		return fmt.Errorf("%s is %s; it has to be a millisecond at least, or 0 for its default", name, d)
	}
	return nil
}
