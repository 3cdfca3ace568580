package lease

import "time"

// moment is one moment on both clocks of the machine. They go apart when it is
// suspended, for the monotonic clock does not see that, and when somebody sets the
// wall clock.
type moment struct {
	running time.Time // by the monotonic clock
	wall    time.Time // by the wall clock alone
}

// bothClocks returns this moment.
func bothClocks() moment {
	now := time.Now()
	return moment{running: now, wall: now.Round(0)}
}

func (m moment) add(d time.Duration) moment {
	return moment{running: m.running.Add(d), wall: m.wall.Add(d)}
}

// reaches reports whether either clock has reached a deadline: what one of them
// does not see, the other one does.
func (m moment) reaches(deadline moment) bool {
	return !m.running.Before(deadline.running) || !m.wall.Before(deadline.wall)
}
