package gate

import (
	"fmt"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// onward says what brings those who read the old column on. While the pool holds them
// there, or they are on their way, nobody has to do anything for it: a phase that is set to
// hurry them would stay set, and win over every later release.
func (w *weigher) onward(st bgtransform.Status, readers []fleet.Sighting) (text string, commands []string) {
	last, asked := lingers(st, readers)
	then := ", and they come to new by themselves"
	switch {
	case last && asked != "":
		then = fmt.Sprintf(", and %s is all that is asked for so far", asked)
	case last:
		then = ", and they go on as far as is asked for"
	}
	before := slices.IndexFunc(readers, func(s fleet.Sighting) bool { return s.Stage(st.Transform) == fleet.Before })
	switch {
	case st.State == bgtransform.StateFailed:
		return "", nil // what has failed comes first
	case before >= 0:
		return fmt.Sprintf("; %s does not know the move, and the pool holds all reads at the old column until it has left%s", readers[before], then), []string{w.say("fleet")}
	case st.State != bgtransform.StateComplete && st.Quarantined > 0:
		return "; the pool lets nobody come to new until the quarantine is empty or accepted" + then, nil
	case st.State != bgtransform.StateComplete:
		return "; the pool lets nobody come to new until all rows are moved" + then, nil
	case !last:
		return "; all rows are moved" + then, []string{w.say("fleet")}
	default:
		return w.asking(st, asked)
	}
}

// asking says how to ask for phase new where all else is done.
func (w *weigher) asking(st bgtransform.Status, asked fleet.Stage) (text string, commands []string) {
	back := w.say("untune", st.Transform, "phase")
	if t, set := phaseSet(st); set {
		return fmt.Sprintf("; %s has set the phase to %s, which wins over every release until it is set back", t.By, t.Value), []string{back}
	}
	if asked != "" {
		text = fmt.Sprintf(", and %s is all that is asked for", asked)
	}
	text += fmt.Sprintf("; deploy a release that asks for new, or set it, which wins over every later release until %s", back)
	return text, []string{w.say("tune", st.Transform, "phase=new")}
}

// lingers reports whether one of those who read the old column would not come to new once
// nothing holds it, with what is asked of it, which is empty if nobody knows. One that does
// not know the move leaves instead.
func lingers(st bgtransform.Status, readers []fleet.Sighting) (last bool, asked fleet.Stage) {
	for _, s := range readers {
		asked := s.Asked[st.Transform]
		if t, set := phaseSet(st); set {
			asked = fleet.Stage(t.Value)
		}
		if s.Stage(st.Transform) != fleet.Before && asked != fleet.New {
			return true, asked
		}
	}
	return false, ""
}

// phaseSet returns the phase that an operator has set, if one has.
func phaseSet(st bgtransform.Status) (bgtransform.Tuned, bool) {
	i := slices.IndexFunc(st.Tuned, func(t bgtransform.Tuned) bool { return t.Setting == bgtransform.SettingPhase })
	if i < 0 {
		return bgtransform.Tuned{}, false
	}
	return st.Tuned[i], true
}

// readers returns the instances that are alive and read the old column, or are about to.
func readers(pool fleet.Pool, name string) []fleet.Sighting {
	return slices.DeleteFunc(pool.Live(), func(s fleet.Sighting) bool {
		next, moves := s.Next[name]
		return !s.Stage(name).NeedsOld() && (!moves || !next.NeedsOld())
	})
}
