//go:build race

package keyset_test

// raceEnabled is true under the race detector, which makes the embedded SQLite
// (C translated to Go) about thirty times slower. The walks of it have no
// goroutines to race; what is tried often is tried by the plain run.
const raceEnabled = true
