// Package faulttest holds no code but tests: of the engine with a lease, when
// processes are killed and frozen, and when Redis fails in every way that it can.
// The holders are real processes, on real servers: the test binary starts itself
// again as an app of a few lines (see holder_test.go), and a trigger in the
// database writes down who has written what in which attempt.
package faulttest
