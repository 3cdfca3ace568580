package bgtransformtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// life is what happens to a process while it runs the transform.
type life struct {
	fault fault
	read  func(ctx context.Context) error // see subject
}

// trace is what a process did.
type trace struct {
	commits        []commit
	found, changed int                // rows, over all batches
	waited         bgtransform.Reason // for what, the last time
	said           string             // the last error of the transform's own code
}

// and returns what a process and the one after it did.
func (tr trace) and(next trace) trace {
	next.commits = append(tr.commits, next.commits...)
	next.found, next.changed = tr.found+next.found, tr.changed+next.changed
	return next
}

// explain adds to an error what the process waited for, and what the
// transform's own code said last.
func (tr trace) explain(err error) error {
	if text := reasonText(tr.waited); text != "" && !strings.Contains(err.Error(), text) {
		err = fmt.Errorf("%w\n  it waited for: %s", err, text)
	}
	if tr.said != "" {
		err = fmt.Errorf("%w\n  the transform's last error, in its own words:\n%s", err, indent(tr.said))
	}
	return err
}

var errTimeout = errors.New("bgtransformtest: it takes too long")

// live runs one process of the app until its transform is over, it cannot go
// on, or it dies. Everything it started has ended when it returns.
func (b *bench) live(parent context.Context, m *memory, l life) (tr trace, err error) {
	ctx, cancel := context.WithTimeoutCause(parent, b.timeout, errTimeout)
	defer cancel()
	p, err := newProcess(m, l.fault, cancel)
	if err != nil {
		return trace{}, err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	live := func() bool { return ctx.Err() == nil }
	w, log, words := &watch{live: live, at: p.at, stop: cancel}, &logbook{}, &said{live: live}
	sched, err := bgtransform.New(p.db, b.config(w, log))
	if err != nil {
		return trace{}, err
	}
	if err := sched.Register(&subject{Transform: b.transform, turn: b.turn, said: words, own: p.own, read: l.read}); err != nil {
		return trace{}, err
	}
	if err := sched.Run(ctx); err != nil {
		return trace{}, err
	}
	tr = trace{commits: p.history(), waited: w.waited(), said: words.last()}
	tr.found, tr.changed = w.work()
	switch {
	case parent.Err() != nil:
		return tr, context.Cause(parent)
	case errors.Is(context.Cause(ctx), errTimeout):
		return tr, tr.explain(b.late(p, log))
	default:
		return tr, nil
	}
}

// late says what an instance was doing when its time was up.
func (b *bench) late(p *process, log *logbook) error {
	return fmt.Errorf("transform %q did not end within %s; it was %s\n  the engine's log:\n%s", b.name, b.timeout, p.doing(), indent(log.String()))
}

// config is the engine's configuration: as fast as it can, and the same on
// every machine.
func (b *bench) config(w *watch, log *logbook) bgtransform.Config {
	cfg := bgtransform.Config{
		Environ:     []string{},
		Fleet:       new(fleettest.Memory), // nobody else is there
		FleetRules:  fleet.Rules{Every: time.Millisecond, MinAge: 1, Settle: 1},
		Grace:       time.Nanosecond,
		Limits:      throttle.Limits{Duty: 1, MinBatch: b.batchSize, StartBatch: b.batchSize, MaxBatch: b.batchSize, Target: time.Hour},
		Locker:      granting{},
		Logger:      slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		StandbyPoll: time.Millisecond,
	}
	for _, change := range b.configure {
		change(&cfg)
	}
	cfg.Observer = bgtransform.Observers(w, cfg.Observer)
	return cfg
}

// logbook keeps what is logged. It is safe for concurrent use.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
