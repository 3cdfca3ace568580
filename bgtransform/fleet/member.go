package fleet

import (
	"cmp"
	"strings"
	"time"
)

// Member is one process of the app, as it announces itself.
type Member struct {
	// Instance is the name that operators know it by: one line of at most 200 bytes.
	Instance string `json:"instance"`

	// Term is unique for each process: at most 64 letters, digits and '-'. Two processes
	// that follow each other under one name are two members, for the first may have
	// been of another version.
	Term string `json:"term"`

	// App is the pool that the process belongs to, where several apps share a database.
	App string `json:"app,omitempty"`

	Version string    `json:"version,omitempty"` // of the app, as its team counts them
	Build   string    `json:"build,omitempty"`   // what it was built from: a commit
	Started time.Time `json:"started,omitzero"`  // by its own clock, for people

	// Stages are the moves that it knows, by the names of their transforms, with the
	// stage that it is in. For any other move it is a [Before].
	Stages map[string]Stage `json:"stages,omitempty"`

	// Next are the stages that it is about to enter, while it makes sure that it may. To
	// the others it is in both meanwhile.
	Next map[string]Stage `json:"next,omitempty"`

	// Asked are the stages that operators, flags or its code ask for, to which it comes by
	// itself as far as the pool lets it. One that is not there is not known.
	Asked map[string]Stage `json:"asked,omitempty"`

	// Fled are the stages that it left at once, because what is read there was wrong beside
	// another member. It forgets one when it goes on from where it fled to.
	Fled map[string]Stage `json:"fled,omitempty"`

	// TTL is for how long it counts as live after this announcement, by which one that left
	// is told from one that fell silent. 0: it does not say.
	TTL time.Duration `json:"ttl,omitempty"`
}

// Stage returns the stage in which the member is for a move.
func (m Member) Stage(move string) Stage {
	if s, ok := m.Stages[move]; ok {
		return s
	}
	return Before
}

// stages returns the one or two stages in which the member may be.
func (m Member) stages(move string) []Stage {
	if next, ok := m.Next[move]; ok {
		return []Stage{m.Stage(move), next}
	}
	return []Stage{m.Stage(move)}
}

// String returns the instance with its version, or what it was built from: "web-3 (version 1.4)".
func (m Member) String() string {
	switch {
	case m.Version != "":
		return m.Instance + " (version " + m.Version + ")"
	case m.Build != "":
		return m.Instance + " (build " + m.Build[:min(len(m.Build), 12)] + ")"
	default:
		return m.Instance
	}
}

// kind tells members apart that differ in more than their names and phases: by what they
// were built from, and by what they write.
func (m Member) kind() string {
	parts := []string{m.App, m.Version, m.Build}
	for _, move := range m.moves() {
		how := "both"
		if s := m.Stages[move]; !s.WritesBoth() {
			how = string(s)
		}
		parts = append(parts, move, how)
	}
	return strings.Join(parts, "\x00")
}

// Sighting is what a registry knows of a member. Its times are ages, at the moment of
// the answer: clocks of two servers are never compared.
type Sighting struct {
	Member

	Live   bool          // it has announced itself, and that has neither expired nor was it taken back
	Joined time.Duration // how long ago it announced itself first
	Seen   time.Duration // how long ago it announced itself last
	Gone   time.Duration // how long ago it left, or its announcement expired; 0 while it is live
}

// Silent reports whether the member is gone and has not left: its announcement has expired,
// because it was killed, is frozen, or cannot reach the registry.
func (s Sighting) Silent() bool {
	rounding := s.TTL / 100
	return !s.Live && s.TTL > 0 && s.Seen-s.Gone >= s.TTL-rounding
}

// aged returns the sighting d later, if nothing was heard since.
func (s Sighting) aged(d time.Duration) Sighting {
	s.Joined, s.Seen = s.Joined+d, s.Seen+d
	if !s.Live {
		s.Gone += d
	}
	return s
}

// later orders sightings: who was there last comes first, then by name.
func later(a, b Sighting) int {
	return cmp.Or(cmp.Compare(a.Gone, b.Gone), strings.Compare(a.Instance, b.Instance), strings.Compare(a.Term, b.Term))
}
