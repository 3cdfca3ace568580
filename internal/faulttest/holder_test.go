package faulttest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// transform is the name of the one transform.
const transform = "track-length-ms"

// order is what a process is told to be.
type order struct {
	Name     string // of the instance, and of its connections
	Database string // a key of openers
	DSN      string
	Redis    []string // addresses; none: the lease in the database
	Master   string   // its name, if the addresses are those of Sentinels
	TTL      time.Duration
	Grace    time.Duration
	Standby  time.Duration // how often it asks for a lease that is held; 0: as by default
	Pause    time.Duration // of user code, at each row
	Batch    int
	Trap     string // what it does to itself; see trap
}

// Track is the table that is transformed.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

func toMS(pause time.Duration) bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: transform, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(ctx context.Context, m *Track) error {
			if pause > 0 {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			ms := m.Length * 1000
			m.LengthMS = &ms
			return nil
		},
	}
}

// hold is an app: it starts the scheduler beside what it has to do, which is to
// read commands from stdin, and ends on SIGTERM.
func hold(text string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		log.Error("order", "error", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	traps := newTraps(os.Stdout)
	s, err := scheduler(o, log, traps)
	if err != nil {
		log.Error("scheduler", "error", err)
		return 2
	}
	traps.set(o.Trap)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }() // ends with ctx
	traps.say("ready")
	go traps.listen(os.Stdin) // ends with the process, and ends it when the test has ended
	if err := <-ended; err != nil {
		log.Error("run", "error", err)
		return 2
	}
	traps.say("stopped")
	return 0
}

func scheduler(o order, log *slog.Logger, traps *traps) (*bgtransform.Scheduler, error) {
	open, ok := openers()[o.Database]
	if !ok {
		return nil, fmt.Errorf("no database %q", o.Database)
	}
	db, err := open(o.DSN)
	if err != nil {
		return nil, err
	}
	db = db.WithQueryHook(traps)
	cfg := bgtransform.Config{
		Environ: []string{}, Instance: o.Name, Locker: locker(o), Logger: log, Observer: traps,
		LeaseTTL: o.TTL, Grace: o.Grace, IdlePoll: time.Second, StandbyPoll: o.Standby,
		Limits: throttle.Limits{Duty: 1, MinBatch: 1, StartBatch: o.Batch, MaxBatch: o.Batch, Target: time.Minute},
	}
	s, err := bgtransform.New(db, cfg)
	if err != nil {
		return nil, err
	}
	return s, s.Register(toMS(o.Pause))
}

// locker makes a client as most apps do: it listens to no context.
func locker(o order) lease.Locker {
	if len(o.Redis) == 0 {
		return nil
	}
	return redislease.New(redis.NewUniversalClient(&redis.UniversalOptions{Addrs: o.Redis, MasterName: o.Master}))
}

// openers open the databases that a holder works on.
func openers() map[string]func(dsn string) (*bun.DB, error) {
	return map[string]func(string) (*bun.DB, error){
		"postgres": openPostgres,
		"mariadb":  openMariaDB,
	}
}

func pool(driver, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err == nil {
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(4)
	}
	return db, err
}
