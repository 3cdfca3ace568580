package bgtransformtest

import "fmt"

// fault is what happens to a process at one of its commits.
type fault struct {
	commit int // counts from 1; 0 is no fault
	kind   faultKind
}

type faultKind int

const (
	killedBefore faultKind = iota // the commit never reaches the database, and the process is gone
	killedAfter                   // the commit takes effect, and the process is gone
	answerLost                    // the commit takes effect, and the process is told that its connection broke
)

func (k faultKind) String() string {
	switch k {
	case killedBefore:
		return "killed just before"
	case killedAfter:
		return "killed right after"
	default:
		return "its connection broken right after"
	}
}

// describe names the fault by the commits of the undisturbed run.
func (f fault) describe(commits []commit) string {
	return fmt.Sprintf("%s commit %d of %d, %s", f.kind, f.commit, len(commits), commits[f.commit-1].where)
}

// faults lists what is tried. A process that is killed right after one commit
// leaves the database as one that is killed just before the next, so the other
// kinds are for commits in which the transform's own code had a part: it has
// done its work, and must bear that this work is lost, or done already.
func faults(commits []commit) []fault {
	var all []fault
	for i, c := range commits {
		if c.own || i == 0 {
			all = append(all, fault{i + 1, killedBefore})
		}
		all = append(all, fault{i + 1, killedAfter})
		if c.own {
			all = append(all, fault{i + 1, answerLost})
		}
	}
	return all
}
