package lease

import "time"

// SetClocks has the keeper read clocks that are ahead of the machine's by what
// ahead returns. Its timers do not follow them.
func (k *Keeper) SetClocks(ahead func() (running, wall time.Duration)) {
	k.clock = func() moment {
		now := bothClocks()
		running, wall := ahead()
		return moment{running: now.running.Add(running), wall: now.wall.Add(wall)}
	}
}
