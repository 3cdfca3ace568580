package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// What the queries in the README ask for is there in each state in which it means
// something: the reason while anything holds a transform or limits it, the finish time from the
// fifth batch on, while it is known what it waits for.
func TestReasonAndFinishTimeInEachState(t *testing.T) {
	t.Parallel()
	h, db := newHarness(), newTracks(t, 20000)
	sched, err := bgtransform.New(db, bgtransform.Config{
		Observer: h.Observer, Environ: []string{}, Logger: slog.New(slog.DiscardHandler), StandbyPoll: time.Millisecond,
		Limits: throttle.Limits{Duty: 1, StartBatch: 10, MaxBatch: 10, RowsPerSecond: 500},
	})
	must(t, err)
	must(t, sched.Register(bgtransform.Rows[track]{
		Name: transform, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Each: func(ctx context.Context, m *track) error {
			if m.ID == 1 {
				return errors.New("a track without a length")
			}
			return inMS(ctx, m)
		},
	}))
	defer h.ObserveStatus(sched)()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { // ends with ctx
		defer close(stopped)
		_ = sched.Run(ctx)
	}()
	defer func() {
		cancel()
		<-stopped
	}()

	by, control := bgtransform.By{Who: "ann"}, sched.Control()
	later := fmt.Sprintf("0 %d * * * for 1h in UTC", (time.Now().UTC().Hour()+6)%24)
	h.until(t, "running", "throttle", true)
	must(t, control.Pause(ctx, transform, by))
	h.until(t, "paused", "paused", false)
	must(t, control.Tune(ctx, transform, by, map[bgtransform.Setting]string{bgtransform.SettingWindow: later}))
	must(t, control.Resume(ctx, transform, by))
	h.until(t, "waiting", "window", true)
	must(t, control.Tune(ctx, transform, by, map[bgtransform.Setting]string{
		bgtransform.SettingWindow: bgtransform.Default, bgtransform.SettingRowsPerSecond: "unlimited", bgtransform.SettingBatchMax: "5000",
	}))
	h.until(t, "waiting", "quarantine", false)
	must(t, control.Accept(ctx, transform, by))
	h.until(t, "complete", "", false)
}

// until collects until a transform is in a state, for a reason, with or without a finish time.
func (h *harness) until(t *testing.T, state, reason string, finish bool) {
	t.Helper()
	want := map[string]float64{}
	if reason != "" {
		want[key("reason", reason)] = 1
	}
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		metrics := h.collect(t)
		states, reasons, times := points(t, metrics["bgtransform.state"]), points(t, metrics["bgtransform.reason"]), points(t, metrics["bgtransform.finish.time"])
		maps.DeleteFunc(reasons, func(_ string, value float64) bool { return value == 0 })
		if states[key("state", state)] == 1 && maps.Equal(reasons, want) && (len(times) == 1) == finish {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it is never %s because of %q with a finish time: %t; last: %v, %v, %v", state, reason, finish, states, reasons, times)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
