package bgtransform_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// dial is a health signal that a test sets.
type dial struct {
	level atomic.Int32
	looks atomic.Int64
}

func (d *dial) set(l throttle.Level) { d.level.Store(int32(l)) }

// signal reads fast, so that tests are.
func (d *dial) signal() throttle.Signal {
	return throttle.Signal{
		Name: "replica-lag", Every: 2 * time.Millisecond, Settle: 5 * time.Millisecond, Unknown: throttle.Stop,
		Read: func(context.Context) (throttle.Reading, error) {
			d.looks.Add(1)
			return throttle.Reading{Level: throttle.Level(d.level.Load()), Reason: "replica lag 3.2 s > 2 s"}, nil
		},
	}
}

const lagging = "throttled: replica lag 3.2 s > 2 s"

func lags(st bgtransform.Status) bool {
	return st.Why().Code == bgtransform.ReasonHealth && st.Why().Text == lagging
}

// A run that a signal stops says so, to other processes too, begins no batch, and
// goes on in the same attempt when the signal lets it.
func TestAHealthSignalHoldsARunBackAndLetsItGoOn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		audit(t, db)
		var d dial
		d.set(throttle.Stop)
		var log lines
		cfg, rec := quick(t), &recorder{}
		cfg.Observer, cfg.Logger = rec, slog.New(slog.NewTextHandler(&log, nil))
		cfg.Signals = []throttle.Signal{d.signal()}
		in := start(t, db, cfg, toMS("x"))
		st := in.until("x", "throttled", lags)
		in.until("x", "throttled for others to see", func(bgtransform.Status) bool {
			control, err := bgtransform.NewControl(db)
			must(t, err)
			all, err := control.Status(t.Context(), "x")
			must(t, err)
			return lags(all[0])
		})
		if !st.Why().Until.IsZero() || st.Rows != 0 || len(rec.all()) != 0 {
			t.Errorf("until %v, %d rows, %d batches; nobody knows until when, and no batch may begin", st.Why().Until, st.Rows, len(rec.all()))
		}
		d.set(throttle.Normal)
		end := in.untilState("x", bgtransform.StateComplete)
		wantOnce(t, db, 300)
		if end.Attempt != st.Attempt {
			t.Errorf("attempt %d went on with what attempt %d was held back from; want one", end.Attempt, st.Attempt)
		}
		in.stop()
		for _, want := range []string{`level=WARN msg="bgtransform: a health signal asks for stop"`, `level=INFO msg="bgtransform: a health signal asks for normal"`} {
			if got := strings.Count(log.String(), want); got != 1 {
				t.Errorf("%d lines of the log say %s, want one:\n%s", got, want, log.String())
			}
		}
	})
}

// The first batch waits for the first look, as long as that may take.
func TestNoBatchBeginsBeforeTheSignalsWereRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := newDB(t, 10)
		defer func() { must(t, db.Close()) }()
		answer := make(chan struct{})
		r := toMS("x")
		r.Options.Signals = []throttle.Signal{{Name: "lag", Every: time.Hour, Read: func(context.Context) (throttle.Reading, error) {
			<-answer
			return throttle.Reading{}, nil
		}}}
		always := func(cfg *bgtransform.Config) { cfg.Window = window.Always() }
		s := startShiftsOf(t, db, r, always, func(int, int) time.Duration { return 0 })
		waitVirtual(4 * time.Second) // a signal has five for its answer
		s.mu.Lock()
		begun := len(s.begun)
		s.mu.Unlock()
		if st := s.status(t); begun != 0 || st.Attempt != 1 {
			t.Errorf("%d batches before the signal was read, in attempt %d; want none in the first", begun, st.Attempt)
		}
		close(answer)
		waitVirtual(30 * time.Second)
		if st := s.status(t); st.State != bgtransform.StateComplete || st.Rows != 10 {
			t.Errorf("once it was read: %+v", st)
		}
		s.stop()
	})
}

// A critical signal cancels the batch that is under way: nothing of it is written,
// it is no row's fault, and the same rows are done later.
func TestACriticalSignalCancelsTheBatchUnderWay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		audit(t, db)
		var d dial
		cfg, rec := quick(t), &recorder{}
		cfg.Observer = rec
		cfg.Signals = []throttle.Signal{d.signal()}
		r := toMS("x")
		each := r.Each
		var calls atomic.Int64
		causes := make(chan error, 1)
		r.Each = func(ctx context.Context, m *Track) error {
			if m.ID == 150 && calls.Add(1) == 1 {
				d.set(throttle.Critical)
				<-ctx.Done()
				causes <- context.Cause(ctx)
				return ctx.Err()
			}
			return each(ctx, m)
		}
		in := start(t, db, cfg, r)
		st := in.until("x", "throttled", lags)
		if cause := <-causes; !errors.Is(cause, bgtransform.ErrCritical) {
			t.Errorf("the row's context ended with the cause %v, want ErrCritical", cause)
		}
		if st.Rows != 100 || st.Quarantined != 0 {
			t.Errorf("%d rows are written and %d in quarantine, want 100 and 0: the second batch was cancelled", st.Rows, st.Quarantined)
		}
		d.set(throttle.Normal)
		end := in.untilState("x", bgtransform.StateComplete)
		wantOnce(t, db, 300)
		if end.Quarantined != 0 || end.Attempt != st.Attempt || calls.Load() != 2 {
			t.Errorf("%d rows in quarantine, attempt %d after %d, row 150 was called %d times; want 0, the same, and 2", end.Quarantined, end.Attempt, st.Attempt, calls.Load())
		}
		for _, b := range rec.all() {
			if b.Err != nil && bgtransform.ErrorType(b.Err) != "critical" {
				t.Errorf("a batch ended with %v (%s)", b.Err, bgtransform.ErrorType(b.Err))
			}
		}
	})
}

// A transaction that is under way is rolled back.
func TestACriticalSignalRollsTheTransactionBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 300)
		audit(t, db)
		var d dial
		cfg := quick(t)
		cfg.LeaseTTL = time.Minute // it is one attempt, however slow the machine
		own := d.signal()
		own.Name = "of-this-transform"
		var once atomic.Bool
		in := start(t, db, cfg, hooked{toMSBySQL("x"), []throttle.Signal{own}, func(ctx context.Context) {
			if once.CompareAndSwap(false, true) {
				d.set(throttle.Critical)
				<-ctx.Done()
			}
		}})
		st := in.until("x", "throttled", lags)
		if got := count(t, db, "SELECT count(*) FROM audit"); got != 0 {
			t.Errorf("%d rows are written, want none", got)
		}
		d.set(throttle.Normal)
		if end := in.untilState("x", bgtransform.StateComplete); end.Attempt != st.Attempt {
			t.Errorf("attempt %d after %d, want one", end.Attempt, st.Attempt)
		}
		wantOnce(t, db, 300)
	})
}

// hooked is a transform that calls a function in its transactions, after the rows
// were written.
type hooked struct {
	bgtransform.SQL[Track]

	signals []throttle.Signal
	after   func(ctx context.Context)
}

func (h hooked) Definition() bgtransform.Definition {
	def := h.SQL.Definition()
	def.Options.Signals = h.signals
	return def
}

func (h hooked) Open(ctx context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	s, err := h.SQL.Open(ctx, db)
	return hookedStepper{s, h.after}, err
}

type hookedStepper struct {
	bgtransform.Stepper

	after func(ctx context.Context)
}

func (h hookedStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	step, err := h.Stepper.Step(ctx, req)
	if apply := step.Apply; apply != nil {
		step.Apply = func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			applied, err := apply(ctx, tx)
			h.after(ctx)
			return applied, err
		}
	}
	return step, err
}

// Slow makes batches smaller.
func TestAHealthSignalMakesBatchesSmaller(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	var d dial
	d.set(throttle.Slow)
	cfg, rec := quick(t), &recorder{}
	cfg.Observer = rec
	cfg.Limits.MinBatch = 1
	cfg.Signals = []throttle.Signal{d.signal()}
	in := start(t, db, cfg, toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	if first := rec.all()[0]; first.Limit > 50 {
		t.Errorf("the first batch may have %d keys, want 50 at most: half of 100", first.Limit)
	}
}

// Signals that hang, panic or fail stop nothing but what their policy says.
func TestI6BrokenHealthSignals(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(ctx context.Context) (throttle.Reading, error){
		"hangs":  func(context.Context) (throttle.Reading, error) { select {} },
		"panics": func(context.Context) (throttle.Reading, error) { panic("row 4711") },
		"fails":  func(context.Context) (throttle.Reading, error) { return throttle.Reading{}, errors.New("row 4711") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, 300)
			ignored := throttle.Signal{Name: "ignored", Read: read}
			heeded := throttle.Signal{Name: "heeded", Read: read, Unknown: throttle.Stop}
			var log lines
			cfg, stopped := quick(t), toMS("stopped")
			cfg.Concurrency = 2
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			cfg.Signals = []throttle.Signal{ignored}
			stopped.Options.Signals = []throttle.Signal{heeded}
			in := start(t, db, cfg, toMS("x"), stopped)
			in.untilState("x", bgtransform.StateComplete)
			st := in.until("stopped", "throttled", func(st bgtransform.Status) bool {
				return strings.HasPrefix(st.Why().Text, "throttled: heeded is not known since ")
			})
			if st.Rows != 0 {
				t.Errorf("%d rows were written", st.Rows)
			}
			in.stop() // ends although they hang
			if got := log.String(); !strings.Contains(got, "cannot be read") || strings.Contains(got, "4711") {
				t.Errorf("want a log that says which signal cannot be read, without the row:\n%s", got)
			}
		})
	}
}

// An instance with nothing to do reads no signals.
func TestAnIdleInstanceReadsNoSignals(t *testing.T) {
	t.Parallel()
	db := newDB(t, 300)
	var d dial
	cfg := quick(t)
	cfg.Signals = []throttle.Signal{d.signal()}
	in := start(t, db, cfg, toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	if d.looks.Load() == 0 {
		t.Error("the signal was not read while it ran")
	}
	// The state is complete for others to see before the watch of the signals ends.
	quiet, looks := 0, d.looks.Load()
	in.until("x", "free of reads of its signal for 30 looks in a row", func(bgtransform.Status) bool {
		quiet++
		if now := d.looks.Load(); now != looks {
			quiet, looks = 0, now
		}
		return quiet > 30
	})
}

func TestSignalsAreChecked(t *testing.T) {
	t.Parallel()
	var d dial
	db := newDB(t, 0)
	nameless := d.signal()
	nameless.Name = ""
	for want, signals := range map[string][]throttle.Signal{
		`Signals: throttle: signal "": Name is not valid`: {nameless},
		`two signals are called "replica-lag"`:            {d.signal(), d.signal()},
	} {
		if _, err := bgtransform.New(db, bgtransform.Config{Signals: signals}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
		s, err := bgtransform.New(db, bgtransform.Config{})
		must(t, err)
		r := toMS("x")
		r.Options.Signals = signals
		if err := s.Register(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Register: %v, want %q", err, want)
		}
	}
}
