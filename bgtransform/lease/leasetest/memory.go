package leasetest

import (
	"context"
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Memory is a [lease.Locker] in memory: a small model of the contract, for the
// tests of code that needs a Locker. Its clock is time.Now, so that in a synctest
// bubble its leases expire in virtual time. The zero value has no lease held. Safe
// for concurrent use.
type Memory struct {
	mu     sync.Mutex
	leases map[string]memoryLease
}

var _ lease.LocalLocker = (*Memory)(nil)

type memoryLease struct {
	holder, term string
	expires      time.Time
}

// Acquire implements [lease.Locker].
func (m *Memory) Acquire(ctx context.Context, c lease.Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if held, ok := m.held(c.Name); ok && held.term != c.Term && time.Until(held.expires) <= c.Credible() {
		return &lease.HeldError{Name: c.Name, Holder: held.holder, Remaining: time.Until(held.expires)}
	}
	m.put(c)
	return nil
}

// Renew implements [lease.Locker].
func (m *Memory) Renew(ctx context.Context, c lease.Claim) error {
	return m.change(ctx, c, m.put)
}

// Release implements [lease.Locker].
func (m *Memory) Release(ctx context.Context, c lease.Claim) error {
	return m.change(ctx, c, func(c lease.Claim) { delete(m.leases, c.Name) })
}

// Local implements [lease.LocalLocker]: a Memory is seen by this process only.
func (*Memory) Local() bool { return true }

// Holder returns who holds the lease called name, or "".
func (m *Memory) Holder(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	held, _ := m.held(name)
	return held.holder
}

// change applies do if the claim's term holds the lease.
func (m *Memory) change(ctx context.Context, c lease.Claim, do func(lease.Claim)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if held, ok := m.held(c.Name); !ok || held.term != c.Term {
		return lease.ErrLost
	}
	do(c)
	return nil
}

func (m *Memory) held(name string) (memoryLease, bool) {
	held, ok := m.leases[name]
	if !ok || !time.Now().Before(held.expires) {
		return memoryLease{}, false
	}
	return held, true
}

func (m *Memory) put(c lease.Claim) {
	if m.leases == nil {
		m.leases = make(map[string]memoryLease)
	}
	m.leases[c.Name] = memoryLease{holder: c.Holder, term: c.Term, expires: time.Now().Add(c.TTL)}
}
