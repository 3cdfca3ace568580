package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// fault is one kind of misfortune of a process.
type fault struct {
	name  string
	users bool // requests of the process may fail
	begin func(t *testing.T, m *member)
	end   func(t *testing.T, m *member)
}

// noAnswers is the fault of a database that accepts connections, and nothing else.
const noAnswers = "without answers of the database"

// holderFaults are those that must make another process take over.
func holderFaults() []fault {
	replace := func(t *testing.T, m *member) {
		m.process.exit(t)
		m.start(t)
	}
	return []fault{
		{"killed", true, func(t *testing.T, m *member) { m.process.signal(t, syscall.SIGKILL) }, replace},
		{"stopped in order", true, func(t *testing.T, m *member) { m.process.signal(t, syscall.SIGTERM) }, replace},
		{
			"frozen", true,
			func(t *testing.T, m *member) { m.process.signal(t, syscall.SIGSTOP) },
			func(t *testing.T, m *member) {
				pause(time.Duration(rand.Int64N(int64(time.Second)))) // another has taken over: it is frozen for longer than the ttl
				m.process.signal(t, syscall.SIGCONT)
			},
		},
		{
			"cut off from Redis", false, // requests do not need it
			func(_ *testing.T, m *member) { m.redis.Cut() },
			func(_ *testing.T, m *member) { m.redis.Heal() },
		},
		{
			"without answers of Redis", false,
			func(_ *testing.T, m *member) { m.redis.Stall(true) },
			func(_ *testing.T, m *member) { m.redis.Stall(false) },
		},
		{
			"cut off from the database", true,
			func(_ *testing.T, m *member) { m.database.Cut() },
			func(_ *testing.T, m *member) { m.database.Heal() },
		},
		{
			noAnswers, true,
			func(_ *testing.T, m *member) { m.database.Stall(true) },
			func(_ *testing.T, m *member) { m.database.Stall(false) },
		},
	}
}

// faultTally holds the times from a fault to the next commit by another process.
type faultTally map[string][]time.Duration

func (f faultTally) total() (n int) {
	for _, times := range f {
		n += len(times)
	}
	return n
}

func (f faultTally) String() string {
	var b strings.Builder
	for _, fault := range holderFaults() {
		times := slices.Sorted(slices.Values(f[fault.name]))
		if len(times) == 0 {
			continue
		}
		round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
		fmt.Fprintf(&b, "holder %-31s %3d times; next commit by another after min %s, median %s, max %s\n",
			fault.name, len(times), round(times[0]), round(times[len(times)/2]), round(times[len(times)-1]))
	}
	return b.String()
}

// faults has one misfortune after the other happen to whoever holds the transform,
// each kind in turn, in random order, until the transform is complete.
func (p *proof) faults(t *testing.T) {
	t.Helper()
	for {
		kinds := holderFaults()
		if p.tracks < 100_000 { // to notice that takes half a minute
			kinds = slices.DeleteFunc(kinds, func(f fault) bool { return f.name == noAnswers })
		}
		rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			if !p.suffer(t, kind) {
				return
			}
		}
	}
}

// suffer has the holder suffer a fault until another process commits. It returns
// false when the transform is complete.
func (p *proof) suffer(t *testing.T, kind fault) bool {
	t.Helper()
	victim, was, ok := p.busy(t)
	if !ok {
		return false
	}
	from := time.Now()
	kind.begin(t, victim)
	over := !p.takenOver(t, kind, victim, was, from)
	kind.end(t, victim)
	victim.healthy(t)
	if kind.users {
		victim.windows = append(victim.windows, span{from, time.Now()})
	}
	return !over
}

// takenOver waits for a commit by another process. It returns false when the
// transform has been completed instead.
func (p *proof) takenOver(t *testing.T, kind fault, victim *member, was store.Range, from time.Time) (yes bool) {
	t.Helper()
	eventually(t, "another process commits after the holder was "+kind.name, func() bool {
		now, complete := p.rangeNow(t)
		switch {
		case complete:
			return true
		case now.Attempt == was.Attempt:
			was = now // it may have gone on for a moment
		case now.Batches > was.Batches && !victim.holds(now.Holder):
			p.tally[kind.name] = append(p.tally[kind.name], time.Since(from))
			yes = true
		}
		return yes
	})
	return yes
}

// busy waits until a process has held the transform for a while and committed
// batches. It returns false when the transform is complete.
func (p *proof) busy(t *testing.T) (holder *member, now store.Range, ok bool) {
	t.Helper()
	first, over := p.rangeNow(t)
	pause(time.Duration(rand.Int64N(int64(p.calm))))
	eventually(t, "a process holds the transform and commits", func() bool {
		if over {
			return true
		}
		holder = nil
		now, over = p.rangeNow(t)
		if now.Batches > first.Batches && now.HeartbeatMS > 0 {
			for _, m := range p.pool {
				if m.holds(now.Holder) {
					holder = m
				}
			}
		}
		return holder != nil
	})
	return holder, now, !over
}

// rangeNow is what the database holds, and whether the transform is complete.
func (p *proof) rangeNow(t *testing.T) (r store.Range, complete bool) {
	t.Helper()
	if err := p.db.NewSelect().Model(&r).Where("name = ? AND range_no = 0", moveName).Limit(1).Scan(t.Context()); err != nil {
		return store.Range{}, false // not registered yet
	}
	var state string
	if err := p.db.NewSelect().Model((*store.Transform)(nil)).Column("state").Where("name = ?", moveName).Scan(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
	return r, state == string(bgtransform.StateComplete)
}
