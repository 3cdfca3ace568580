//go:build race

package bgtransform_test

// raceEnabled is true under the race detector, which makes the embedded SQLite
// (C translated to Go) about thirty times slower.
const raceEnabled = true
