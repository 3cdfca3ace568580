package testserver

import (
	"fmt"
	"slices"
	"time"
)

// task is a process as the system lists it. Only the descent from parent to child
// finds all processes of a server: those of PostgreSQL have a process group each.
type task struct {
	pid, parent int
	state       byte // as ps shows it

	// spent is the processor time of the task and of its children that have ended;
	// negative where the system does not say.
	spent time.Duration
}

// runs reports whether the task is not stopped, and not dead.
func (t task) runs() bool { return t.alive() && t.state != 'T' && t.state != 't' }

// alive reports whether the task can still do anything. A zombie cannot: it waits
// for a parent that asks how it ended.
func (t task) alive() bool { return t.state != 'Z' && t.state != 'X' }

// descent returns a process and everyone who descends from it, parents first.
func descent(root int) ([]task, error) {
	all, err := tasks()
	if err != nil {
		return nil, err
	}
	var family []task
	for _, t := range all {
		if t.pid == root {
			family = append(family, t)
		}
	}
	for i := 0; i < len(family); i++ {
		for _, t := range all {
			if t.parent == family[i].pid {
				family = append(family, t)
			}
		}
	}
	return family, nil
}

// gone returns an error while one of the family is alive.
func gone(family []task) error {
	all, err := tasks()
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.alive() && slices.ContainsFunc(family, func(f task) bool { return f.pid == t.pid }) {
			return fmt.Errorf("process %d is still alive", t.pid)
		}
	}
	return nil
}
