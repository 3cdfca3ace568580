package fleet

import "fmt"

// Ask is what an instance wants to know before it changes its stage.
type Ask struct {
	Move string
	Term string // of the instance: nobody is its own neighbour
	Now  Stage  // in which it is: one that writes both
	Want Stage  // to which it is to come: one that writes both

	// Behind says that rows which an instance in [Before] may have written have not been
	// transformed again: the new column is out of date in them.
	Behind bool

	// Unmoved says that rows are left whose new column was never filled: to read it alone
	// would find nothing in them.
	Unmoved bool
}

// Step is the pool's answer: the stage to be in next.
type Step struct {
	Stage    Stage
	Why      string // why it is not the one that is wanted; empty if it is
	Conflict bool   // somebody has to do something
	Urgent   bool   // what is read in the stage before may be wrong: no need to look again
	Far      bool   // it was further from a live member than one stage
	Moving   bool   // it is on its way, or only neighbours on theirs hold it up
}

// Step judges which stage an instance may enter next on its way to the one that it wants.
// That is never more than one from any live member, and one that is further away,
// because it has just joined, comes to the nearest that is allowed. On the way forward it
// makes one step at a time, and none while the pool is younger than r.MinAge.
//
// Beside a before, and while rows are behind, only old is right, whatever the others are
// in: everybody writes the old column then, so each that goes back is right at once.
func (p Pool) Step(a Ask, r Rules) Step {
	r = r.WithDefaults()
	b, goal := band{lo: Old.rank(), hi: New.rank()}, a.Want
	if a.Unmoved {
		b.hi, b.high, goal = Compare.rank(), "rows are left that have not been moved", at(min(a.Want.rank(), Compare.rank()))
	}
	var before, after bool
	for _, s := range p.Live() {
		if s.Term == a.Term {
			continue
		}
		for _, st := range s.stages(a.Move) {
			before, after = before || !st.known() || st == Before, after || st == After
			b.narrow(s, st)
		}
	}
	switch {
	case after && (before || a.Behind):
		return Step{Stage: a.Now, Why: "no phase is right: " + b.because(), Conflict: true}
	case before:
		return Step{Stage: Old, Why: held(Old, a.Want, b.high), Urgent: true}
	case a.Behind:
		return Step{Stage: Old, Why: held(Old, a.Want, "what instances wrote that write only the old column has not been transformed since"), Urgent: true}
	case b.lo > b.hi:
		return Step{Stage: a.Now, Why: "the pool is in phases that may not live side by side: " + b.because(), Conflict: true}
	}
	next := b.towards(a)
	step := Step{Stage: next, Why: held(next, a.Want, b.limit(next, a.Want)), Conflict: after && a.Want != New, Far: !b.has(a.Now), Moving: next != goal && !after}
	if v := p.old(r); !v.OK && next.rank() > a.Now.rank() && b.has(a.Now) {
		return Step{Stage: a.Now, Why: held(a.Now, a.Want, v.Why), Conflict: step.Conflict}
	}
	return step
}

// band is the range of stages that the neighbours allow.
type band struct {
	lo, hi    int
	low, high string // who says so
}

func (b *band) narrow(s Sighting, st Stage) {
	if rank := st.rank(); rank-1 > b.lo {
		b.lo, b.low = rank-1, fmt.Sprintf("%s is in %s", s, st)
	}
	if rank := max(st.rank(), 0); rank+1 < b.hi {
		b.hi, b.high = rank+1, fmt.Sprintf("%s is in %s", s, st)
	}
}

func (b *band) because() string {
	if b.low == "" || b.high == "" {
		return b.low + b.high
	}
	return b.high + ", " + b.low
}

func (b *band) has(s Stage) bool { return s.rank() >= b.lo && s.rank() <= b.hi }

// towards returns the next stage on the way to the one that is wanted.
func (b *band) towards(a Ask) Stage {
	now := a.Now.rank()
	if !b.has(a.Now) {
		return at(min(max(now, b.lo), b.hi))
	}
	switch want := min(max(a.Want.rank(), b.lo), b.hi); {
	case want > now:
		return at(now + 1)
	case want < now:
		return at(now - 1)
	default:
		return at(now)
	}
}

// limit says who keeps the instance from what it wants; nobody while it is on its way.
func (b *band) limit(next, want Stage) string {
	switch {
	case want.rank() > next.rank() && next.rank() == b.hi:
		return b.high
	case want.rank() < next.rank() && next.rank() == b.lo:
		return b.low
	default:
		return "one step at a time"
	}
}

// held says why an instance is not in the stage that it wants.
func held(in, want Stage, why string) string {
	if in == want {
		return ""
	}
	return fmt.Sprintf("%s is asked for, and %s held: %s", want, in, why)
}
