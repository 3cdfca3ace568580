package dualread

// Side is one side of a move.
type Side uint8

// The sides that may win where both do not go together.
const (
	Neither Side = iota
	OldSide
	NewSide
)

// together reports whether a new and an old value go together: they are equal, or
// the old one is what a dual write of the new one leaves. ok is false when the old
// columns hold no value.
func (m Move[M, V]) together(next, old V, ok bool) bool {
	same := m.Compare.Equal
	if same == nil {
		same = equal[V]
	}
	if ok && same(old, next) {
		return true
	}
	back := new(M)
	m.SetOld(back, next)
	v, has := m.Old(back)
	return has == ok && (!ok || same(old, v))
}

// reconcile gives a model that is about to be saved with all of its columns a
// value on both sides. It reports false when both have one, they do not go
// together, and neither wins.
func (m Move[M, V]) reconcile(row *M) bool {
	next, isNew := m.New(row)
	old, isOld := m.Old(row)
	switch {
	case !isNew && !isOld:
	case !isNew:
		m.SetNew(row, old)
	case !isOld:
		m.SetOld(row, next)
	case m.together(next, old, true):
	case m.Wins == OldSide:
		m.SetNew(row, old)
	case m.Wins == NewSide:
		m.SetOld(row, next)
	default:
		return false
	}
	return true
}
