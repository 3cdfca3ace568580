//go:build !race

package bgtransform_test

const raceEnabled = false
