package lease_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// gaps returns the times between the calls.
func gaps(calls []lockerCall) []time.Duration {
	var d []time.Duration
	for i := 1; i < len(calls); i++ {
		d = append(d, calls[i].at.Sub(calls[i-1].at))
	}
	return d
}

// checkGaps checks that all of them are d less a jitter of at most a tenth, and
// that there is a jitter.
func checkGaps(t *testing.T, got []time.Duration, d time.Duration) {
	t.Helper()
	different := map[time.Duration]bool{}
	for _, gap := range got {
		if gap > d || gap < d-d/10 {
			t.Errorf("%s between two requests, want at most %s and no less than a tenth of it less", gap, d)
		}
		different[gap] = true
	}
	if len(got) > 5 && len(different) < 2 {
		t.Errorf("all of %d gaps are equal, want jitter", len(got))
	}
}

func TestRenewsEveryThirdOfTheTTL(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var l fake
		mustDo(t, keeper(&l).Do(t.Context(), "n", work(20*ttl)))
		renewals := l.of("renew")
		if len(renewals) < 59 || len(renewals) > 68 {
			t.Errorf("%d renewals in 20 TTLs, want about 60", len(renewals))
		}
		checkGaps(t, gaps(append(l.of("acquire"), renewals...)), ttl/3)
	})
}

func TestSlowAnswersDoNotSlowTheRenewals(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{AcquireFunc: stuck(ttl/4, nil), RenewFunc: stuck(ttl/6, nil)}
		mustDo(t, keeper(&l).Do(t.Context(), "n", work(20*ttl)))
		checkGaps(t, gaps(append(l.of("acquire"), l.of("renew")...)), ttl/3)
	})
}

func TestFailedRenewalsAreRetriedFaster(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		l := fake{RenewFunc: always(errNetwork)}
		_ = keeper(&l).Do(t.Context(), "n", wait)
		renewals := l.of("renew")
		if len(renewals) < 5 {
			t.Errorf("%d renewals before the deadline, want at least 5", len(renewals))
		}
		checkGaps(t, gaps(renewals), ttl/10)
	})
}

func TestLeaseSurvivesAShortOutage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		start := time.Now()
		l := fake{RenewFunc: func(context.Context, lease.Claim) error {
			if since := time.Since(start); since > ttl && since < ttl+ttl/3 {
				return errNetwork
			}
			return nil
		}}
		mustDo(t, keeper(&l).Do(t.Context(), "n", work(10*ttl)))
	})
}

func TestLeaseSurvivesOneStuckRenewal(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var renewals atomic.Int64
		l := fake{RenewFunc: func(context.Context, lease.Claim) error {
			if renewals.Add(1) == 1 {
				<-time.After(time.Hour)
				return lease.ErrLost // nobody listens any more
			}
			return nil
		}}
		mustDo(t, keeper(&l).Do(t.Context(), "n", work(2*time.Hour)))
	})
}

func TestEventsTellTheStory(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		start := time.Now()
		var renewals atomic.Int64
		l := fake{RenewFunc: func(context.Context, lease.Claim) error {
			if renewals.Add(1) == 2 {
				return errNetwork
			}
			return nil
		}}
		var got events
		k := keeper(&l)
		k.Events = got.add
		mustDo(t, k.Do(t.Context(), "n", work(ttl)))
		want := []lease.EventKind{lease.Acquired, lease.Renewed, lease.RenewFailed, lease.Renewed, lease.Released}
		if diff := cmp.Diff(want, got.kinds()); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		trust := func(sent time.Time) time.Time { return sent.Add(ttl - ttl/5) }
		first, third := l.of("renew")[0].at, l.of("renew")[2].at
		until := []time.Time{trust(start), trust(first), trust(first), trust(third), {}}
		for i, ev := range got.list {
			if ev.Name != "n" || ev.Holder != "host-1" {
				t.Errorf("event %s names %q and %q", ev.Kind, ev.Name, ev.Holder)
			}
			if failed := ev.Kind == lease.RenewFailed; failed != (ev.Err != nil) {
				t.Errorf("event %s has the error %v", ev.Kind, ev.Err)
			}
			if !ev.TrustedUntil.Equal(until[i]) {
				t.Errorf("event %s: trusted until %s, want %s", ev.Kind, ev.TrustedUntil, until[i])
			}
		}
	})
}

func TestEventKindsHaveNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := lease.Acquired; k <= lease.ReleaseFailed+1; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("kind %d is called %q, want a name of its own", k, s)
		}
		seen[k.String()] = true
	}
}
