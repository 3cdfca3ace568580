package bgtransform_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// cutter closes a pool as a batch begins, once so many were written while it was armed.
type cutter struct {
	pool  *bun.DB
	after int64
	dead  chan struct{}
	armed atomic.Bool
	done  atomic.Int64
	once  sync.Once
}

func (c *cutter) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	if c.armed.Load() && c.done.Load() == c.after {
		c.once.Do(func() {
			_ = c.pool.Close()
			close(c.dead)
		})
	}
	return ctx
}

func (c *cutter) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) {
	if c.armed.Load() && info.Err == nil {
		c.done.Add(1)
	}
}

// cutOff starts an instance whose pool closes as the nth batch of its
// verification begins: from then on it can write nothing, like one that was killed.
func cutOff(t *testing.T, pool *bun.DB, transform bgtransform.Transform, n int64) (in *instance, verify func(bgtransform.VerifyOptions)) {
	t.Helper()
	cut := &cutter{pool: pool, after: n - 1, dead: make(chan struct{})}
	cfg := quick(t)
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 50, StartBatch: 50, MaxBatch: 50}
	cfg.Observer = cut
	in = start(t, pool, cfg, transform)
	return in, func(o bgtransform.VerifyOptions) {
		cut.armed.Store(true)
		must(t, in.Control().Verify(t.Context(), "x", o, ann))
		<-cut.dead
		in.stop()
	}
}

// An instance dies in the midst of a verification: another goes on where it
// was, and no mismatch is lost, or counted twice.
func TestI2VerificationIsResumed(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for _, repair := range []bool{false, true} {
			d := newDatabase(t, d.kind)
			db := d.open(t)
			seed(t, db, 550)
			var calls atomic.Int64
			r := toMS("x")
			each := r.Each
			r.Each = func(ctx context.Context, m *Track) error {
				calls.Add(1)
				return each(ctx, m)
			}
			first, verify := cutOff(t, d.open(t), r, 6)
			first.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id % 50 = 25")
			var want []string
			for id := 25; id <= 550; id += 50 {
				want = append(want, fmt.Sprint(id, " value differs length_ms", map[bool]string{true: " repaired"}[repair]))
			}
			slices.Sort(want)

			verify(bgtransform.VerifyOptions{Repair: repair})
			c, err := bgtransform.NewControl(db)
			must(t, err)
			all, err := c.Status(t.Context(), "x")
			must(t, err)
			half := all[0].Verify
			if half.State != bgtransform.VerifyRunning || half.Rows != 250 || half.Mismatches != 5 || half.Progress <= 0 || half.Progress >= 1 {
				t.Fatalf("repair %v: it was to die in the sixth batch: %+v", repair, half)
			}
			calls.Store(0)
			cfg := quick(t)
			cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 50, StartBatch: 50, MaxBatch: 50}
			second := start(t, db, cfg, r)
			v := second.verifiedAlready("x")
			if v.State != bgtransform.VerifyDone || v.Rows != 550 || v.Mismatches != 11 || v.By != "ann" || !v.Started.Equal(half.Started) {
				t.Errorf("repair %v: resumed, it says %+v", repair, v)
			}
			if v.Repair != repair || (repair && v.Repaired != 11) || v.Clean() != repair {
				t.Errorf("repair %v: resumed, it says %+v", repair, v)
			}
			// A suspect is computed twice, and so is a batch if this machine stalls for longer than the lease.
			if n := calls.Load(); n < 300+6 || n >= 550 {
				t.Errorf("repair %v: the second instance has called user code %d times, want it to go on at the checkpoint", repair, n)
			}
			if diff := cmp.Diff(want, second.found("x")); diff != "" {
				t.Errorf("repair %v (-want +got):\n%s", repair, diff)
			}
			second.stop()
		}
	})
}

// An operator who stops a verification keeps what it has found; the transform
// stays complete, and another verification begins at the first row.
func TestStopVerify(t *testing.T) {
	t.Parallel()
	db := newDB(t, 550)
	asked := make(chan struct{})
	var verifying atomic.Bool
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if verifying.Load() && m.Length == 250 {
			<-asked
		}
		return each(ctx, m)
	}
	in := start(t, db, quick(t), r)
	done := in.untilState("x", bgtransform.StateComplete)
	if err := in.Control().StopVerify(t.Context(), "x", ann); err == nil || !strings.Contains(err.Error(), "no verification is under way") {
		t.Errorf("without a verification: %v", err)
	}
	exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (1, 500)")
	verifying.Store(true)
	must(t, in.Control().Verify(t.Context(), "x", bgtransform.VerifyOptions{}, ann))
	in.until("x", "half verified", func(st bgtransform.Status) bool { return st.Verify != nil && st.Verify.Rows == 200 })
	must(t, in.Control().StopVerify(t.Context(), "x", bgtransform.By{Who: "bob", Why: "enough"}))
	close(asked) // its own instance knows of the wish now, and reads it before the next batch
	v := in.verifiedAlready("x")
	if v.State != bgtransform.VerifyStopped || !strings.Contains(v.Reason, "stopped by bob: enough") || v.Clean() || v.Rows > 300 || v.Mismatches != 1 || v.Ended.IsZero() {
		t.Errorf("stopped, it says %+v", v)
	}
	st := in.untilState("x", bgtransform.StateComplete)
	if !st.Completed.Equal(done.Completed) || !st.Verified.IsZero() || !st.Why().IsZero() || len(in.found("x")) != 1 {
		t.Errorf("%+v", st)
	}
	verifying.Store(false)
	if v := in.verified("x", bgtransform.VerifyOptions{}); v.Rows != 550 || v.Mismatches != 2 {
		t.Errorf("the next one says %+v", v)
	}
}
