// Package fleettest tests implementations of [fleet.Registry].
//
// [Run] is the conformance suite. Call it from the tests of an adapter, with a
// function that gives two clients of one server:
//
//	func TestConformance(t *testing.T) {
//		t.Parallel()
//		fleettest.Run(t, fleettest.Options{
//			New: func(t *testing.T) (fleet.Registry, fleet.Registry) {
//				return etcdfleet.New(dial(t)), etcdfleet.New(dial(t))
//			},
//		})
//	}
//
// The suite uses members of its own for every test, so that all of them can share a
// server and run side by side.
//
// [Memory] is a Registry in memory, for the tests of code that needs one.
package fleettest
