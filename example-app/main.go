// Example-app is a music catalogue that renames a column while it serves:
// track.length, in whole seconds, becomes track.length_ms.
//
// Read this file from top to bottom: it is the guide to putting bgtransform into
// an app. What is specific to the rename is in release1.go to release4.go, what each
// of four releases knows of the two columns, and in transform.go, the move of the
// old rows. The README tells the story, and says what to try.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(command(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the app: it returns when ctx ends, or with -once when the transform is
// over, and how it went.
func run(ctx context.Context, cfg config, con *console) (outcome, error) {
	// What every app has: a log, a database, perhaps OpenTelemetry and Redis.
	// Nothing connects yet: an app boots also when something else is down.
	logger := newLogger(con, cfg.LogLevel)
	providers := newProviders(ctx, cfg, logger)
	defer closeProviders(ctx, providers)
	logger = exported(logger, providers)
	redis := newRedis(cfg.Redis)
	defer redis.close()
	db, err := cfg.Database.open()
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = db.Close() }()

	// What this release knows of a track's length. In those that move it, requests
	// read and write it through the column on the move.
	rel, err := newRelease(cfg.Release)
	if err != nil {
		return outcome{}, err
	}
	if cfg.Deployed && cfg.Release == 2 {
		rel.phase = dualread.PhaseCompare // as far as the pool allows; then release 3 may come
	}

	// The scheduler, and what it tells OpenTelemetry.
	observer := telemetry.New(
		telemetry.WithTracerProvider(providers.TracerProvider()),
		telemetry.WithMeterProvider(providers.MeterProvider()),
	)
	if rel.moves() {
		observer.ObserveMoves(rel.length)
	}
	locker := redis.locker
	if cfg.Deployed && cfg.Redis == nil {
		locker = nil // several releases are a pool: without a Redis that they share, the lease is in the database
	}
	sched, err := newScheduler(db, cfg, rel, locker, observer, logger)
	if err != nil {
		return outcome{}, err
	}
	if err := rel.register(sched); err != nil {
		return outcome{}, err
	}
	defer observer.ObserveStatus(sched)() // before the database is closed

	// Serve, migrate, then sched.Run beside the server: see live.go.
	a := &app{
		cfg: cfg, con: con, log: logger, redis: redis, sched: sched,
		catalogue: &catalogue{db: db, release: rel}, ready: newReadiness(),
	}
	return a.live(ctx)
}

// leaseTTL is short, so that nobody waits long in a demonstration.
const leaseTTL = 2 * time.Second

// newScheduler returns what runs the transforms in the background of the app. The
// zero Config is right for production; these settings suit a demonstration.
func newScheduler(db *bun.DB, cfg config, rel release, locker lease.Locker, observer bgtransform.Observer, logger *slog.Logger) (*bgtransform.Scheduler, error) {
	registry, err := rel.joinPool(db)
	if err != nil {
		return nil, err
	}
	return bgtransform.New(db, bgtransform.Config{
		Locker:   locker,
		Observer: observer,
		Logger:   logger,
		Window:   cfg.Window, // in production such as "0 22 * * * for 8h in Europe/Berlin"
		Limits:   pace(),
		LeaseTTL: leaseTTL,               // how soon another goes on after a kill -9
		IdlePoll: time.Second,            // how soon an operator is heeded when it is complete
		Grace:    300 * time.Millisecond, // Ctrl-C ends the app within a second

		// The pool: who else is there, and which columns it knows.
		Instance:   cfg.Instance,
		Version:    strconv.Itoa(rel.number),
		Contracted: rel.contracted,
		Fleet:      registry,
		FleetRules: poolRules(cfg.Deployed),

		BatchTimeout: 5 * time.Second, // how soon another goes on when this one's database gives no answer
	})
}
