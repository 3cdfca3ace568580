package fleet

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Registry is where the instances of a pool announce themselves: the port that Redis, a
// database or anything with a clock of its own can implement.
//
// Every method makes one attempt and should return soon after its context ends; with a
// context that has ended before the call it returns an error and changes nothing. Only
// the server's clock counts, for expiry and for every age. Errors come back as the
// client made them: the caller adds the operation.
//
// Implementations are safe for concurrent use. The package fleettest holds the
// conformance suite for them.
type Registry interface {
	// Announce says that m.Term is there, for ttl (at least a millisecond) from now on,
	// in place of what it has said before. When it announced itself first is kept, also
	// where it had left or its announcement had expired.
	Announce(ctx context.Context, m Member, ttl time.Duration) error

	// Leave says that m.Term is gone. For one that is not live it does nothing.
	Leave(ctx context.Context, m Member) error

	// Members returns every member that is live, and those that have been gone for less
	// than the retention of the registry (7 days by default), in any order: one that
	// came and went between two looks must not be missed. It may forget those that
	// [Forgotten] lists.
	Members(ctx context.Context) ([]Sighting, error)
}

// Retention is for how long a registry keeps members that are gone, by default.
const Retention = 7 * 24 * time.Hour

// keptOfAKind bounds the members of one kind that are kept once they are gone: an app that
// crashes each minute makes ten thousand of them in a week, which all say the same.
const keptOfAKind = 100

// Forgotten returns the terms that a registry may forget: those that have been gone for
// retention or longer, and of members that differ in nothing but their names all but the
// hundred that were there last.
func Forgotten(all []Sighting, retention time.Duration) (terms []string) {
	kept := map[string]int{}
	for _, s := range slices.SortedFunc(slices.Values(all), later) {
		if s.Live {
			continue
		}
		if kept[s.kind()]++; s.Gone >= retention || kept[s.kind()] > keptOfAKind {
			terms = append(terms, s.Term)
		}
	}
	return terms
}

// moves returns the names of the moves that the member knows, in order.
func (m Member) moves() []string { return slices.Sorted(maps.Keys(m.Stages)) }
