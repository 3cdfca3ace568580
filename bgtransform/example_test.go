package bgtransform_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Song is the model of the examples.
type Song struct {
	bun.BaseModel `bun:"table:songs,alias:song"`

	ID       int64  `bun:"id,pk,autoincrement"`
	Title    string `bun:"title"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// songs returns a database with three songs.
func songs() *bun.DB {
	pool, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		panic(err)
	}
	pool.SetMaxOpenConns(1) // a private in-memory database lives as long as its connection
	db := bun.NewDB(pool, sqlitedialect.New())
	ctx := context.Background()
	if _, err := db.NewCreateTable().Model((*Song)(nil)).Exec(ctx); err != nil {
		panic(err)
	}
	rows := []Song{{Title: "One", Length: 276}, {Title: "Two", Length: -1}, {Title: "Three", Length: 186}}
	if _, err := db.NewInsert().Model(&rows).Exec(ctx); err != nil {
		panic(err)
	}
	return db
}

// runUntil runs a scheduler until done says that it has seen enough.
func runUntil(s *bgtransform.Scheduler, done func(bgtransform.Status) bool) bgtransform.Status {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { stop(); <-ended }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if all, err := s.Status(ctx); err == nil && done(all[0]) {
			return all[0]
		}
	}
	panic("unreachable")
}

func is(state bgtransform.State) func(bgtransform.Status) bool {
	return func(st bgtransform.Status) bool { return st.State == state }
}

// exampleConfig is the zero config, without the log and the flags of whoever
// runs the examples.
func exampleConfig() bgtransform.Config {
	return bgtransform.Config{
		Logger: slog.New(slog.DiscardHandler), Environ: []string{},
		FleetRules: fleet.Rules{MinAge: 1}, // no older version of the app is there
	}
}

// A backfill in Go: whole seconds become milliseconds.
func Example() {
	db := songs()
	defer db.Close()

	lengthMS := bgtransform.Rows[Song]{
		Name:    "song-length-ms",
		Pending: "length_ms IS NULL",
		Reads:   []string{"length"},
		Writes:  []string{"length_ms"},
		Each: func(_ context.Context, s *Song) error {
			ms := s.Length * 1000
			s.LengthMS = &ms
			return nil
		},
	}
	sched, err := bgtransform.New(db, exampleConfig())
	if err != nil {
		panic(err)
	}
	if err := sched.Register(lengthMS); err != nil {
		panic(err)
	}
	st := runUntil(sched, is(bgtransform.StateComplete)) // an app calls sched.Run(ctx)
	fmt.Println(st.State, st.Rows, "rows")
	// Output: complete 3 rows
}

// What one SQL expression can do runs as one UPDATE for each range of keys.
func ExampleSQL() {
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.SQL[Song]{
		Name:    "song-length-ms",
		Pending: "length_ms IS NULL",
		Set:     "length_ms = length * 1000",
	})
	if err != nil {
		panic(err)
	}
	st := runUntil(sched, is(bgtransform.StateComplete))
	fmt.Println(st.State, st.Rows, "rows in", st.Pass, "passes")
	// Output: complete 3 rows in 2 passes
}

// Rows that cannot be transformed are set aside, block completion, and can be
// fixed and retried, or accepted.
func ExampleControl() {
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.Rows[Song]{
		Name: "song-length-ms", Pending: "length_ms IS NULL", Writes: []string{"length_ms"},
		Each: func(_ context.Context, s *Song) error {
			if s.Length < 0 {
				return fmt.Errorf("negative length %d", s.Length)
			}
			ms := s.Length * 1000
			s.LengthMS = &ms
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	accepted := false
	st := runUntil(sched, func(st bgtransform.Status) bool {
		if st.Reason.Code == bgtransform.ReasonQuarantine && !accepted {
			accepted = true
			ctx := context.Background()
			rows, _ := sched.Control().Quarantined(ctx, "song-length-ms", 10)
			fmt.Println(rows[0].Key, rows[0].Message)
			_ = sched.Control().Accept(ctx, "song-length-ms", bgtransform.By{Who: "ann", Why: "a known bad import"})
		}
		return st.State == bgtransform.StateComplete
	})
	fmt.Println(st.State, "with", st.Accepted, "accepted")
	// Output:
	// 2 negative length -1
	// complete with 1 accepted
}

// Everything has a default that suits a busy production table. What is set here
// wins over it, and environment flags win over both.
func ExampleConfig() {
	db := songs()
	defer db.Close()
	sched, err := bgtransform.New(db, bgtransform.Config{
		Window:  window.MustParse("0 22 * * * for 8h in Europe/Berlin"),
		Limits:  throttle.Limits{Duty: 0.25, RowsPerSecond: 2000},
		Environ: []string{"BGTRANSFORM_ENABLED__SONG_LENGTH_MS=false", "BGTRANSFORM_PHASE=old"},
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	err = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	if err != nil {
		panic(err)
	}
	st := runUntil(sched, func(st bgtransform.Status) bool { return st.Here.Code == bgtransform.ReasonDisabled })
	fmt.Println(st.State, "-", st.Here.Code)
	fmt.Println("phase:", sched.Phase("song-length-ms", dualread.PhaseFallback))
	// Output:
	// pending - disabled
	// phase: old
}

// Flags can be checked before a deployment finds out.
func ExampleCheckFlags() {
	err := bgtransform.CheckFlags([]string{
		"BGTRANSFORM_WINDOW__SONG_LENGTH_MS=nightly",
		"BGTRANSFORM_ENABLE=true",
		"BGTRANSFORM_ENABLED__SONG_LENGHT_MS=false",
		"PATH=/bin",
	}, "song-length-ms")
	wrong, _ := errors.AsType[*bgtransform.FlagError](err)
	for _, p := range wrong.Problems {
		fmt.Println(p.Variable, "-", strings.Split(p.Problem, ";")[0])
	}
	// Output:
	// BGTRANSFORM_ENABLE - is not a setting
	// BGTRANSFORM_ENABLED__SONG_LENGHT_MS - names no transform
	// BGTRANSFORM_WINDOW__SONG_LENGTH_MS - window: "nightly": "for <duration>" is missing
}

// printer is an observer that counts.
type printer struct{ rows int }

func (p *printer) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}

func (p *printer) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) { p.rows += info.Changed }

// An observer is told of every batch; telemetry.New makes one for OpenTelemetry.
func ExampleObserver() {
	db := songs()
	defer db.Close()
	count := &printer{}
	cfg := exampleConfig()
	cfg.Observer = bgtransform.Observers(count)
	sched, _ := bgtransform.New(db, cfg)
	if err := sched.Register(bgtransform.SQL[Song]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}); err != nil {
		panic(err)
	}
	runUntil(sched, is(bgtransform.StateComplete))
	fmt.Println(count.rows, "rows")
	// Output: 3 rows
}

// purge is a kind of its own: it deletes what is too old.
type purge struct{ before int64 }

func (p purge) Definition() bgtransform.Definition { return bgtransform.Definition{Name: "purge"} }

func (p purge) Open(_ context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	return &purgeStepper{purge: p, db: db}, nil
}

type purgeStepper struct {
	purge
	db *bun.DB
}

// Step takes the next rows by their key. The delete runs in the runner's
// transaction, after the fence was checked.
func (p *purgeStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	var ids []int64
	after := 0
	_, _ = fmt.Sscan(req.After, &after)
	err := p.db.NewSelect().Model((*Song)(nil)).Column("id").Where("id > ?", after).OrderExpr("id").
		Limit(int64(req.Limit)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return bgtransform.Step{Cursor: req.After, Last: true}, err
	}
	return bgtransform.Step{
		Cursor: fmt.Sprint(ids[len(ids)-1]), Keys: len(ids), Last: len(ids) < req.Limit,
		Apply: func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			res, err := tx.NewDelete().Model((*Song)(nil)).Where("id IN (?) AND length < ?", bun.List(ids), p.before).Exec(ctx)
			if err != nil {
				return bgtransform.Applied{}, err
			}
			n, err := res.RowsAffected()
			return bgtransform.Applied{Found: int(n), Changed: int(n)}, err
		},
	}, nil
}

// Anything that can be walked by a key can be a transform: the runner gives it
// the lease, the fence, the checkpoints, the pace and the control.
func ExampleTransform() {
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	if err := sched.Register(purge{before: 200}); err != nil {
		panic(err)
	}
	st := runUntil(sched, is(bgtransform.StateComplete))
	left, _ := db.NewSelect().Model((*Song)(nil)).Count(context.Background())
	fmt.Println(st.Rows, "deleted,", left, "left")
	// Output: 2 deleted, 1 left
}
