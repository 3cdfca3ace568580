package bgtransform

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Config says how a [Scheduler] runs. The zero value is right for a busy
// production database, and safe in a pool. It is copied by [New].
type Config struct {
	// App names the pool where several apps run on one database: instances wait only for
	// those of the same App, so all that write a table must have the same. It is one line
	// of at most 100 bytes. Empty by default.
	App string

	// BatchTimeout bounds one batch: reading, user code and transaction. A
	// batch that takes longer is cancelled and tried again with half the keys.
	// Defaults to 30 s.
	BatchTimeout time.Duration

	// Build says what this version of the app was built from, for operators. Defaults to
	// the revision that the Go toolchain has stamped into the binary.
	Build string

	// Concurrency is how many transforms this instance runs at the same time. One
	// that only waits for the app's transactions before its last pass is not counted.
	// Defaults to 1.
	Concurrency int

	// Contracted names the transforms whose old columns this version of the app neither
	// reads nor writes any more: their moves are in [fleet.After]. They run nowhere from
	// then on. Keep a name for as long as an instance of the version before may come back, and
	// a week longer ([fleet.Retention]): without it a version looks like one from before the move.
	// A name that the database does not know, and that resembles one which it knows, is
	// an error in the log: under a wrong name the pool takes this instance for a version
	// from before the move.
	Contracted []string

	// Environ holds the environment flags, as "NAME=value". Nil means
	// os.Environ(). An empty slice means none.
	Environ []string

	// Fleet is where the instances of the pool announce themselves. Nil means a table of the
	// app's own database, which is used once a transform of the pool needs it: one that is a
	// [DualWriter], or has Options.DualWritten. With another registry, set it in the version
	// of the app before the first such transform as well, for only who announces itself is
	// waited for. In the database also a version without any transform announces itself, within
	// IdlePoll of the first that needs it.
	Fleet fleet.Registry

	// FleetRules are the times that the pool goes by. Zero fields mean the defaults of
	// [fleet.Rules].
	FleetRules fleet.Rules

	// Grace is how long a batch that is under way at shutdown may go on, before
	// it is cancelled and rolled back. Defaults to 5 s.
	Grace time.Duration

	// IdlePoll is how often at most an instance with nothing to do looks whether
	// an operator wants something, with one small query for all its transforms;
	// it takes a quarter longer, for a pool must not ask at once. Defaults to 1 minute.
	IdlePoll time.Duration

	// Instance names this instance to operators and to the others of the pool.
	// It must differ from theirs. Defaults to the host's name, the process id
	// and a random part.
	Instance string

	// LeaseTTL is how long the lease outlives a holder that was killed, and so
	// how soon another instance takes over. At least 100 ms. Defaults to 15 s.
	LeaseTTL time.Duration

	// Limits paces the batches. Zero fields mean the defaults of
	// [throttle.Limits]: batches that change about 400 rows at most, take about 100 ms at
	// most, and use half of the time.
	Limits throttle.Limits

	// LockTimeout bounds how long a batch waits for a row or a table that the
	// app has locked. It gives way and tries again later, so that nothing queues
	// up behind it. Defaults to 2 s. SQLite has its own: the pragma busy_timeout.
	LockTimeout time.Duration

	// Locker grants the lease that lets one instance of the pool run a
	// transform. Nil means the lease in the app's own database: safe in a pool,
	// with no other server. Whatever it is, and even if it fails, the fence in
	// the database keeps a transform to one writer.
	Locker lease.Locker

	// Logger receives what happens: changes of state at Info, batches at
	// Debug, never the values or keys of rows. Nil means slog.Default().
	Logger *slog.Logger

	// MaxQuarantine is how many rows of a transform may be in quarantine,
	// accepted ones aside, before the transform fails. Defaults to 1000.
	MaxQuarantine int

	// MaxQuarantineShare is the share of a run's rows, from 0 to 1, that may
	// go to quarantine before the transform fails. It counts from the 100th
	// row on. Defaults to 0.1.
	MaxQuarantineShare float64

	// Observer watches runs and batches; nil means nobody does.
	Observer Observer

	// RowTimeout bounds user code for one row, or for one call of a batch
	// function. A row whose code takes longer goes to quarantine.
	// Defaults to 10 s.
	RowTimeout time.Duration

	// Signals are watched while this instance runs a transform. They make batches
	// fewer and smaller, hold the next one back, or cancel the one that is under
	// way, and the status says which of them does and why. One that fails or hangs
	// asks for what its policy says (see [throttle.Signal]). Adapters have those of
	// the databases. None by default.
	Signals []throttle.Signal

	// StandbyPoll is how often an instance asks for the lease that another
	// one holds, and so how soon it takes over after a graceful stop.
	// Defaults to 150 ms.
	StandbyPoll time.Duration

	// StatementTimeout bounds each statement on the database's server, which
	// ends it even when this instance is frozen or cut off. A batch whose
	// statement takes longer is tried again with half the keys. Defaults to 15 s.
	StatementTimeout time.Duration

	// StuckAfter is how long a transform may not come forward although nothing holds it
	// back, before it counts as stuck: an error in the log, and [Status.Stuck]. A batch that
	// is tried again and again is such a case, or a lease that nobody gets; a rest, a closed
	// window or whatever else is waited for on purpose is none. Defaults to 5 minutes, or
	// ten times BatchTimeout where that is longer.
	StuckAfter time.Duration

	// Version is that of the app, for operators. Instances of one version and one build are
	// taken to be of the same code: releases need different ones. Defaults to that of the main
	// module, if it has one.
	Version string

	// Window is when batches may run. The zero value means always.
	Window window.Window

	// WindowGrace is how long a batch that is under way when the window closes
	// may go on, before it is cancelled and rolled back. No batch is begun that
	// would not end in time, so it is for one that takes longer than those before
	// it. Defaults to 1 s.
	WindowGrace time.Duration

	ownFleet bool // Fleet is the table in the app's database
}

// withDefaults returns the config with every unset field set.
func (c Config) withDefaults() Config {
	version, build := builtFrom()
	c.BatchTimeout = cmp.Or(c.BatchTimeout, 30*time.Second)
	c.Build = cmp.Or(c.Build, build)
	c.Concurrency = cmp.Or(c.Concurrency, 1)
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	c.FleetRules = c.FleetRules.WithDefaults()
	c.Grace = cmp.Or(c.Grace, 5*time.Second)
	c.IdlePoll = cmp.Or(c.IdlePoll, time.Minute)
	c.Instance = cmp.Or(c.Instance, defaultInstance())
	c.LeaseTTL = cmp.Or(c.LeaseTTL, lease.DefaultTTL)
	c.LockTimeout = cmp.Or(c.LockTimeout, 2*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.MaxQuarantine = cmp.Or(c.MaxQuarantine, 1000)
	c.MaxQuarantineShare = cmp.Or(c.MaxQuarantineShare, 0.1)
	c.RowTimeout = cmp.Or(c.RowTimeout, 10*time.Second)
	c.StandbyPoll = cmp.Or(c.StandbyPoll, 150*time.Millisecond)
	c.StatementTimeout = cmp.Or(c.StatementTimeout, 15*time.Second)
	c.StuckAfter = cmp.Or(c.StuckAfter, max(leastStuckAfter, 10*c.BatchTimeout))
	c.Version = cmp.Or(c.Version, version)
	c.WindowGrace = cmp.Or(c.WindowGrace, time.Second)
	return c
}

// validate returns every mistake in one error.
func (c Config) validate() error {
	var errs []error
	for _, d := range []struct {
		field string
		value time.Duration
		least time.Duration
	}{
		{"BatchTimeout", c.BatchTimeout, time.Millisecond},
		{"Grace", c.Grace, 0},
		{"IdlePoll", c.IdlePoll, time.Millisecond},
		{"LeaseTTL", c.LeaseTTL, lease.MinTTL},
		{"LockTimeout", c.LockTimeout, time.Millisecond},
		{"RowTimeout", c.RowTimeout, time.Millisecond},
		{"StandbyPoll", c.StandbyPoll, time.Millisecond},
		{"StatementTimeout", c.StatementTimeout, time.Millisecond},
		{"StuckAfter", c.StuckAfter, time.Millisecond},
		{"WindowGrace", c.WindowGrace, 0},
	} {
		if d.value < d.least {
			errs = append(errs, fmt.Errorf("Config.%s is %s; it must be at least %s", d.field, d.value, d.least))
		}
	}
	if c.Concurrency < 1 {
		errs = append(errs, fmt.Errorf("Config.Concurrency is %d; it must be at least 1", c.Concurrency))
	}
	if c.MaxQuarantine < 1 {
		errs = append(errs, fmt.Errorf("Config.MaxQuarantine is %d; it must be at least 1", c.MaxQuarantine))
	}
	if !(c.MaxQuarantineShare > 0 && c.MaxQuarantineShare <= 1) {
		errs = append(errs, fmt.Errorf("Config.MaxQuarantineShare is %v; it must be above 0 and at most 1", c.MaxQuarantineShare))
	}
	if len(c.Instance) > 200 || strings.ContainsAny(c.Instance, "\n\r\x00") {
		errs = append(errs, fmt.Errorf("Config.Instance is %q; it must be one line of at most 200 bytes", c.Instance))
	}
	for _, one := range []struct{ field, value string }{{"App", c.App}, {"Version", c.Version}, {"Build", c.Build}} {
		if len(one.value) > 100 || strings.ContainsAny(one.value, "\n\r\x00") {
			errs = append(errs, fmt.Errorf("Config.%s is %q; it must be one line of at most 100 bytes", one.field, one.value))
		}
	}
	if err := c.FleetRules.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("Config.FleetRules: %w", err))
	}
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("Config.Limits: %w", err))
	}
	if err := checkSignals(c.Signals); err != nil {
		errs = append(errs, fmt.Errorf("Config.Signals: %w", err))
	}
	return errors.Join(errs...)
}

func defaultInstance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	if len(host) > 100 {
		host = host[:100]
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(rand.Text()[:4]))
}

// builtFrom returns the version of the main module and the revision it was built from,
// as far as the toolchain has stamped them into the binary.
func builtFrom() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	if info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return clip(version, 100), clip(revision, 100)
}
