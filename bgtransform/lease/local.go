package lease

// LocalLocker is a [Locker] that knows how far it reaches. It is optional: a
// Locker without it is taken to exclude the whole pool.
type LocalLocker interface {
	Locker

	// Local reports whether the Locker excludes only within this process, so that
	// two instances of a pool may hold the same lease at once.
	Local() bool
}

// IsLocal reports whether l says of itself that it excludes only within this
// process. A Locker that wraps another has to pass Local on.
func IsLocal(l Locker) bool {
	local, ok := l.(LocalLocker)
	return ok && local.Local()
}
