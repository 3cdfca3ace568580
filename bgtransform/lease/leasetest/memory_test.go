package leasetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

func newMemory(*testing.T) (lease.Locker, lease.Locker) {
	m := new(leasetest.Memory)
	return m, m
}

func TestMemoryInBubble(t *testing.T) {
	t.Parallel()
	leasetest.Run(t, leasetest.Options{New: newMemory, Bubble: true})
}

func TestMemoryInRealTime(t *testing.T) {
	t.Parallel()
	leasetest.Run(t, leasetest.Options{New: newMemory})
}

func TestMemoryHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m leasetest.Memory
		c := lease.Claim{Name: "n", Holder: "a", Term: "1", TTL: time.Second}
		if got := m.Holder("n"); got != "" {
			t.Errorf("Holder of a free lease = %q, want none", got)
		}
		if err := m.Acquire(t.Context(), c); err != nil {
			t.Fatalf("Acquire = %v, want nil", err)
		}
		if got := m.Holder("n"); got != "a" {
			t.Errorf("Holder = %q, want %q", got, "a")
		}
		<-time.After(time.Second)
		if got := m.Holder("n"); got != "" {
			t.Errorf("Holder of an expired lease = %q, want none", got)
		}
	})
}
