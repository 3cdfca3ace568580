package bgtransform

import "github.com/bgtransform/sidecar/bgtransform/fleet"

// Transforms returns the registered transforms, in the order of registration: for a
// process that needs their definitions, such as a command of the app.
func (s *Scheduler) Transforms() []Transform {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Transform, len(s.entries))
	for i, e := range s.entries {
		out[i] = e.transform
	}
	return out
}

// Fleet returns where the instances of the pool announce themselves, and as which app:
// Config.Fleet and Config.App. The registry is nil where it is the table in the app's
// database.
func (s *Scheduler) Fleet() (registry fleet.Registry, app string) {
	if s.cfg.ownFleet {
		return nil, s.cfg.App
	}
	return s.cfg.Fleet, s.cfg.App
}
