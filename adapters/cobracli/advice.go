package cobracli

import (
	"slices"

	"github.com/bgtransform/sidecar/bgtransform"
)

// meaning is what a reason means to somebody who has never met it, and what can be done.
type meaning struct {
	text string
	do   []step
}

// step is a command, without the words that it begins with. NAME stands for the transform.
type step struct{ words, does string }

// meaningOf returns what keeps a transform where it is.
func meaningOf(st bgtransform.Status) meaning {
	code := st.Why().Code
	if isUnstarted(st) && code == bgtransform.ReasonSchema {
		return meaning{"An app makes the tables of bgtransform when it starts, if its user may; if not, its log says so and no row is moved. Then have somebody " +
			"make them who may, with store.Migrations; the app goes on by itself. If no instance runs, start the app.", []step{{"plan NAME", "what it would do, without writing"}}}
	}
	if isUnstarted(st) {
		return meaning{"The app has this transform, and no instance of it has written to this database yet. Start the app.", []step{
			{"plan NAME", "what it would do, without writing"}, {"finish NAME", "do it here and now"},
		}}
	}
	switch {
	case st.Disputed():
		return inDispute(st)
	case !st.Contracted.IsZero() && code == bgtransform.ReasonFleet:
		return tooLate(st)
	case code == bgtransform.ReasonWindow && st.Why().Until.IsZero():
		return neverOpens().in(st)
	}
	if m, ok := meanings()[code]; ok {
		return m.in(st)
	}
	return ofState(st)
}

// inDispute is the meaning of a dispute that only a human can end.
func inDispute(st bgtransform.Status) meaning {
	accept := step{"accept NAME", "it wrote only the new column: leave all rows as they are"}
	m := meaning{text: "An instance came that does not know the move, when the new column was read already: a very old version, which wrote only the old column, or " +
		"the next one whose Config.Contracted was forgotten or misspelt, which wrote only the new one. Nobody but you can tell, and to guess would destroy what it wrote. "}
	if !st.Contracted.IsZero() {
		m.text += "Nothing is moved any more, since a version without the old column has run. If it was a very old version, copy what it wrote by hand first."
		m.do = []step{accept}
	} else {
		m.text += "The same version and build with the right name in Config.Contracted settles it by itself."
		m.do = []step{accept, {"restart NAME", "it wrote only the old column: put that over the new one"}}
	}
	m.do = append(m.do, step{"fleet", "which instances are there"}, step{"log NAME", "who did what, and why"})
	return m
}

// tooLate is the meaning of a transform that was not over when a version came without the
// old column.
func tooLate(st bgtransform.Status) meaning {
	m := meaning{text: "A version of the app has run that writes only the new column. The old one is out of date, so this transform never runs again."}
	if st.Outdated() {
		m.text += " It was complete before somebody asked for a new run, which nobody had begun."
		m.do = []step{{"accept NAME", "leave all rows as they are: it is complete as before"}}
	} else {
		m.text += " What is left needs a transform of another name, for rows whose new column is empty."
	}
	m.do = append(m.do, step{"fleet", "which instances are there"}, step{"log NAME", "who did what, and why"})
	return m
}

// neverOpens is the meaning of a window that no time is known for at which it opens.
func neverOpens() meaning {
	m := meanings()[bgtransform.ReasonWindow]
	m.text = "No row is moved outside of its window, and that never opens: it goes on once somebody opens it."
	return m
}

// in fits a meaning to the state: what has failed waits for a human, whatever the reason.
func (m meaning) in(st bgtransform.Status) meaning {
	if st.State == bgtransform.StateFailed {
		m.text += " It has failed, and does not go on by itself."
		m.do = append(slices.Clip(m.do), step{"retry NAME", "go on, once it is mended"}, step{"restart NAME", "begin again at the first row"})
	}
	return m
}

// ofState is the meaning of a state that has no reason.
func ofState(st bgtransform.Status) meaning {
	switch st.State {
	case bgtransform.StatePending:
		return meaning{"No attempt at it has begun yet.", []step{{"plan NAME", "what it would do, without writing"}, {"finish NAME", "do it here and now"}}}
	case bgtransform.StateRunning, bgtransform.StateReverting:
		return meaning{"It is at work, and nothing limits it.", []step{
			{"status NAME --watch", "see how it goes on"}, {"tune NAME duty=20%", "let it take less of the database's time"}, {"pause NAME", "stop it between two batches"},
		}}
	case bgtransform.StateComplete:
		return meaning{"A whole pass over the table has found no pending row. There is nothing left to do.", []step{
			{"verify NAME", "look at every row again"}, {"gate NAME", "may the old column go?"},
		}}
	case bgtransform.StateReverted:
		return meaning{"What rows held before was written back. It stays so until it is restarted.", []step{{"restart NAME", "do it again"}}}
	default:
		return meaning{"Nobody has written down why.", []step{{"log NAME", "who did what"}, {"restart NAME", "begin again at the first row"}}}
	}
}
