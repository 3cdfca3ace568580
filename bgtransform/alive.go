package bgtransform

import (
	"errors"
	"fmt"
	"time"
)

// Alive is for a liveness probe: it returns nil, or an error that says why only a new
// process would help. That is the case when Run has returned, and when a batch goes on
// although it was cancelled as long ago as Config.StuckAfter, because a driver hangs.
// Before Run is called it returns nil: an app may wait for its database first.
//
// It is never an error that a transform is slow, waits, is stuck or has failed, nor that
// the database or the lease's server cannot be reached: a new process would change none of
// that, and the app serves its users meanwhile. For the same reason a readiness probe
// needs nothing of the scheduler; an app whose model lacks an old column asks
// [github.com/bgtransform/sidecar/bgtransform/gate.Require] before it serves.
//
// It does no I/O and never blocks. It is safe for concurrent use.
func (s *Scheduler) Alive() error {
	s.mu.Lock()
	over, entries := s.over, s.entries
	s.mu.Unlock()
	if over {
		return errors.New("bgtransform: Run has returned")
	}
	for _, e := range entries {
		if ends := e.batchEnds.Load(); ends != nil && time.Since(*ends) > s.cfg.StuckAfter {
			return fmt.Errorf("bgtransform: a batch of %q goes on, %s after it was cancelled", e.name, time.Since(*ends).Round(time.Second))
		}
	}
	return nil
}
