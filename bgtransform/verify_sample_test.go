package bgtransform_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// A sample of one in ten looks at one row in ten, spread over the whole table,
// and says that it was a sample; the next one takes other rows.
func TestVerifySample(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 3000)
			log := &lines{}
			cfg := quick(t)
			cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
			in := start(t, db, cfg, transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length_ms = 7")
			sample := bgtransform.VerifyOptions{Sample: 0.1}
			v := in.verified("x", sample)
			if v.Rows != 300 || v.Mismatches != 300 || v.Sample != 0.1 || v.Progress != 1 {
				t.Errorf("%s: of a tenth of 3000 wrong rows it says %+v", name, v)
			}
			first := in.found("x")
			for third := range 3 { // stretches of 1000 keys
				n := 0
				for _, line := range first {
					var id int
					must(t, errOf(fmt.Sscan(line, &id)))
					if (id-1)/1000 == third {
						n++
					}
				}
				if n != 100 {
					t.Errorf("%s: %d rows from %d on are in the sample, want 100", name, n, 1+1000*third)
				}
			}
			if v := in.verified("x", sample); v.Rows != 300 {
				t.Errorf("%s: the second time it says %+v", name, v)
			}
			if cmp.Equal(first, in.found("x")) {
				t.Errorf("%s: two samples have taken the same rows", name)
			}
			in.stop()
			if strings.Count(log.String(), "sample=0.1") != 2 {
				t.Errorf("%s: the log does not say that they were samples", name)
			}
		}
	})
}

// The share is met whatever the size of batches, and user code is called for the
// rows of the sample only.
func TestVerifySampleOfSmallBatches(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	r := toMS("x")
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		calls.Add(1)
		return each(ctx, m)
	}
	cfg := quick(t)
	cfg.LeaseTTL = time.Minute // no batch is tried twice, however slow the machine is
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 7, StartBatch: 7, MaxBatch: 7}
	in := start(t, newDB(t, 1500), cfg, r)
	in.untilState("x", bgtransform.StateComplete)
	calls.Store(0)
	v := in.verified("x", bgtransform.VerifyOptions{Sample: 0.3})
	if v.Rows < 420 || v.Rows > 480 || calls.Load() != v.Rows {
		t.Errorf("a sample of 0.3 of 1500 rows has looked at %d, with %d calls of user code", v.Rows, calls.Load())
	}
	if v := in.verified("x", bgtransform.VerifyOptions{Sample: 0.0001}); v.Rows != 1 || !v.Clean() {
		t.Errorf("the smallest sample says %+v, want a row of its one stretch", v)
	}
}

// A transform that is verified whenever it has become complete says by whom and
// how much; nothing is repaired.
func TestVerifySampleByItself(t *testing.T) {
	t.Parallel()
	r := toMS("x")
	r.Options.VerifySample = 0.5
	in := start(t, newDB(t, 1000), quick(t), r)
	st := in.until("x", "verified", func(st bgtransform.Status) bool { return !st.Verified.IsZero() })
	if v := st.Verify; v.Rows != 500 || v.Sample != 0.5 || v.Repair || v.By != "Options.VerifySample" {
		t.Errorf("%+v", v)
	}
	follow := countWords("y")
	follow.Options.VerifySample = 0.5
	s, err := bgtransform.New(newDB(t, 0), quick(t))
	must(t, err)
	if err := s.Register(follow); err == nil || !strings.Contains(err.Error(), "Options.VerifySample: ") || !strings.Contains(err.Error(), "Watermark") {
		t.Errorf("Register: %v; a transform that follows the app's changes would be verified without end", err)
	}
}
