// Package embedded is Redis inside the process: for development, for tests, and
// for applications that run as a single instance.
//
//	emb := embedded.New()
//	defer emb.Close()
//	cfg.Locker = emb
//
// It is miniredis, behind the same scripts and the same client as a real server:
// [Redis] is a Locker by way of the package redislease. No port is opened, nothing
// is written to disk, and everything is gone when the process ends.
//
// # Two processes do not exclude each other
//
// Each process has an embedded Redis of its own, and two instances of a pool
// that use it both win the same lease. The engine's fence in the database still
// keeps one writer: the instance that claimed the attempt last commits, the other
// is refused and gives up. Nothing is lost and nothing is done twice in effect, but
// the instances take the work out of each other's hands again and again. So for a
// pool use the lease in the database, which is the default, or a Redis that the
// pool shares. An embedded Redis says so of itself: [lease.IsLocal] reports true.
package embedded
