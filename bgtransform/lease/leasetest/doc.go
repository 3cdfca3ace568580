// Package leasetest tests implementations of [lease.Locker].
//
// [Run] is the conformance suite. Call it from the tests of an adapter, with a
// function that gives two clients of one server:
//
//	func TestConformance(t *testing.T) {
//		t.Parallel()
//		leasetest.Run(t, leasetest.Options{
//			New: func(t *testing.T) (lease.Locker, lease.Locker) {
//				return etcdlease.New(dial(t)), etcdlease.New(dial(t))
//			},
//		})
//	}
//
// The suite uses names of its own for every test, so that all of them can share a
// server and run side by side. It checks what the contract of [lease.Locker] says:
// who gets the lease, who may renew and release it, what is left after an expiry,
// a cancelled context, a repeated request. It does not check what a server does
// when it loses its data: the engine's fence in the database is for that.
//
// [Memory] is a Locker in memory, for the tests of code that needs one.
package leasetest
