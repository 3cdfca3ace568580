package dualread

import (
	"fmt"
	"sync"
)

// holding is the phase in the hands of somebody else.
type holding struct {
	mu    sync.Mutex
	told  func() // nil: nobody holds the phase
	asked Phase
}

// ask keeps what SetPhase asks for, and reports whether that is all it may do.
func (h *holding) ask(p Phase) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = p
	if h.told == nil {
		return false
	}
	h.told()
	return true
}

// Hold gives the phase into the hands of the caller, who knows what the other
// instances of the pool are in: the engine does so for a column whose transform is
// registered. From now on SetPhase does not change the phase but asks for another
// and calls told, which must not block nor call the column; only Enter changes it.
// A nil told gives it back, and leaves the phase as it is.
func (c *Column[M, V]) Hold(told func()) {
	c.held.mu.Lock()
	defer c.held.mu.Unlock()
	if c.held.told == nil {
		c.held.asked = c.Phase()
	}
	c.held.told = told
}

// Asked returns the phase that SetPhase has asked for last; the phase that reads are
// in, if nobody holds it.
func (c *Column[M, V]) Asked() Phase {
	c.held.mu.Lock()
	defer c.held.mu.Unlock()
	if c.held.told == nil {
		return c.Phase()
	}
	return c.held.asked
}

// Enter puts reads into phase p, from the next one on, whoever holds the phase. On an
// error, which means that p is not a phase, the phase stays as it was.
func (c *Column[M, V]) Enter(p Phase) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("enter phase of move %q: %w", c.move.Name, err)
	}
	c.phase.Store(uint32(p))
	return nil
}
