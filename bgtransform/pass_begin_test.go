package bgtransform

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// listing is a stepper that knows which transactions are open.
type listing struct {
	Stepper
	ids []string
	err error
}

func (l *listing) OpenWriters(context.Context) ([]OpenWriter, error) {
	var open []OpenWriter
	for _, id := range l.ids {
		open = append(open, OpenWriter{ID: id, Who: id})
	}
	return open, l.err
}

// beginning is one look of a pass that has not begun.
type beginning struct {
	after time.Duration // since the first look
	open  []string
	err   error
	began string // as the pass begins; waiting: it does not yet
}

const waiting = "waiting"

func TestBeginPass(t *testing.T) {
	t.Parallel()
	stale := dialect.ErrWritersStale
	const early, late, lateBlind = settleFor / 2, settleFor + time.Millisecond, settleBlind + time.Millisecond
	for name, test := range map[string]struct {
		pass  int64
		began string
		looks []beginning
	}{
		"nobody writes":              {1, "", []beginning{{0, nil, nil, store.BeganClear}}},
		"they end soon":              {1, "", []beginning{{0, []string{"a", "b"}, nil, waiting}, {early, []string{"b"}, nil, waiting}, {early, nil, nil, store.BeganClear}}},
		"others have begun":          {2, "", []beginning{{0, []string{"a"}, nil, waiting}, {early, []string{"b"}, nil, store.BeganClear}}},
		"work does not wait long":    {2, "", []beginning{{0, []string{"a"}, nil, waiting}, {late, []string{"a"}, nil, store.BeganUnclear}}},
		"completion does":            {2, store.BeganDue, []beginning{{0, []string{"a"}, nil, waiting}, {time.Hour, []string{"a"}, nil, waiting}, {time.Hour, []string{"b"}, nil, store.BeganClear}}},
		"unseen, for the first pass": {1, "", []beginning{{0, nil, ErrWritersUnseen, store.BeganUnclear}}},
		"unseen, for the next":       {2, "", []beginning{{0, nil, ErrWritersUnseen, waiting}, {lateBlind, nil, ErrWritersUnseen, store.BeganClear}}},
		"unseen, for completion":     {2, store.BeganDue, []beginning{{0, nil, ErrWritersUnseen, waiting}, {settleBlind / 2, nil, ErrWritersUnseen, waiting}, {lateBlind, nil, ErrWritersUnseen, store.BeganClear}}},
		"unseen from some time on":   {2, store.BeganDue, []beginning{{0, []string{"a"}, nil, waiting}, {early, nil, ErrWritersUnseen, waiting}, {time.Hour, nil, ErrWritersUnseen, waiting}, {time.Hour, nil, nil, store.BeganClear}}},
		"stale, for the first pass":  {1, "", []beginning{{0, nil, stale, store.BeganUnclear}}},
		"stale, for the next":        {2, "", []beginning{{0, nil, stale, waiting}, {lateBlind, nil, stale, store.BeganUnclear}}},
		"stale, for completion":      {2, store.BeganDue, []beginning{{0, nil, stale, waiting}, {time.Hour, nil, stale, waiting}, {time.Hour, nil, nil, store.BeganClear}}},
		"seen from some time on":     {2, store.BeganDue, []beginning{{0, nil, ErrWritersUnseen, waiting}, {early, []string{"a"}, nil, waiting}, {time.Hour, []string{"a", "b"}, nil, waiting}, {time.Hour, []string{"b"}, nil, store.BeganClear}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stepper := &listing{}
			a := &attempt{e: &entry{}, stepper: stepper, rec: store.Record{Range: store.Range{Pass: test.pass, Began: test.began}}}
			for i, look := range test.looks {
				stepper.ids, stepper.err = look.open, look.err
				if i > 0 {
					a.awaited.since = time.Now().Add(-look.after)
				}
				rest, err := a.beginPass(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got := a.rec.Range.Began
				if rest > 0 {
					got = waiting
					if a.awaited.reason().Text == "" {
						t.Errorf("look %d: it waits and does not say why", i+1)
					}
				}
				if got != look.began {
					t.Fatalf("look %d: the pass is %q, want %q", i+1, got, look.began)
				}
			}
			if a.rec.Range.Began == store.BeganUnclear {
				stepper.ids, stepper.err = []string{"z"}, nil
				if rest, err := a.beginPass(t.Context()); rest > 0 || err != nil {
					t.Errorf("a pass that has begun waits %s more: %v", rest, err)
				}
			}
		})
	}
}

// A new run begins with a look of its own, whatever the one before had seen.
func TestBeginPassOfANewRun(t *testing.T) {
	t.Parallel()
	stepper := &listing{}
	a := &attempt{e: &entry{}, stepper: stepper, rec: store.Record{Range: store.Range{Run: 1, Pass: 1}}}
	if rest, err := a.beginPass(t.Context()); rest > 0 || err != nil || a.rec.Range.Began != store.BeganClear {
		t.Fatalf("the first run waits %s, %v, and its pass is %q", rest, err, a.rec.Range.Began)
	}
	a.rec.Range = store.Range{Run: 2, Pass: 1}
	stepper.ids = []string{"a"}
	if rest, err := a.beginPass(t.Context()); rest == 0 || err != nil {
		t.Errorf("the second run does not wait: %v; its pass is %q", err, a.rec.Range.Began)
	}
}

// Who cannot ask does not begin: that is not the answer that nobody writes.
func TestBeginPassAfterAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("no connection")
	a := &attempt{e: &entry{}, stepper: &listing{err: broken}, rec: store.Record{Range: store.Range{Pass: 1}}}
	if _, err := a.beginPass(t.Context()); !errors.Is(err, broken) || a.rec.Range.Began != store.BeganUnclear {
		t.Errorf("got %v, and the pass is %q", err, a.rec.Range.Began)
	}
}
