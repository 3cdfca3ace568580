package throttle

import (
	"context"
	"sync"
	"time"
)

// watch is the time from a monitor's first user to its last. All but ready and end
// is under the lock of the monitor.
type watch struct {
	ready chan struct{} // closed once each signal was looked at, and what that changed was told
	end   func()        // ends the watch, and waits for it

	users     map[*func(Change)]struct{}
	guards    map[*context.CancelCauseFunc]struct{}
	standings []standing
	told      []Change // for each signal, what the users were told last
	unlooked  int      // signals of which nobody has been told a first look
}

// begin starts the watch of all signals.
func (m *Monitor) begin(now time.Time) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	w := &watch{
		ready: make(chan struct{}),
		end: func() {
			cancel()
			following.Wait()
		},
		users:     map[*func(Change)]struct{}{},
		guards:    map[*context.CancelCauseFunc]struct{}{},
		standings: make([]standing, len(m.asked)),
		told:      make([]Change, len(m.asked)),
		unlooked:  len(m.asked),
	}
	if len(m.asked) == 0 {
		close(w.ready)
	}
	for i, a := range m.asked {
		w.standings[i] = standing{signal: a.Signal, since: now}
		w.told[i] = Change{Signal: a.Name, Known: true}
		following.Go(func() { m.follow(ctx, w, i) }) // ends with ctx, and its end is waited for
	}
	return w
}

// pressure returns the highest of what the signals ask for.
func (w *watch) pressure(now time.Time) Pressure {
	var highest Pressure
	for i := range w.standings {
		if p := w.standings[i].pressure(now); p.Level > highest.Level {
			highest = p
		}
	}
	return highest
}

// follow looks at one signal again and again.
func (m *Monitor) follow(ctx context.Context, w *watch, i int) {
	a := m.asked[i]
	wait := a.Every
	for {
		at := time.Now()
		reading, err := a.look(ctx)
		if ctx.Err() != nil {
			return // what it has found may be due to that
		}
		m.note(w, i, func(s *standing) {
			if err != nil {
				s.miss(err.Error())
			} else {
				s.take(reading, at)
			}
		})
		if wait = min(2*wait, a.Stale); err == nil {
			wait = a.Every
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// note brings the standing of a signal up to date, ends what is guarded if it is
// critical, and tells the users of a change.
func (m *Monitor) note(w *watch, i int, update func(*standing)) {
	m.mu.Lock()
	s := &w.standings[i]
	first := !s.looked
	update(s)
	now := time.Now()
	is := s.pressure(now)
	if is.Level >= Critical {
		for end := range w.guards {
			(*end)(ErrCritical)
		}
	}
	was := w.told[i]
	change := Change{Signal: was.Signal, Level: is.Level, Was: was.Level, Reason: is.Reason, Known: s.known(now)}
	if !change.Known {
		change.Reason = s.unknown(now)
	}
	w.told[i] = change
	var tell []func(Change)
	if change.Level != was.Level || change.Known != was.Known {
		for user := range w.users {
			if *user != nil {
				tell = append(tell, *user)
			}
		}
	}
	m.mu.Unlock()
	for _, changed := range tell {
		changed(change)
	}
	if first {
		m.looked(w)
	}
}

// looked counts a signal that was looked at for the first time.
func (m *Monitor) looked(w *watch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.unlooked--; w.unlooked == 0 {
		close(w.ready)
	}
}
