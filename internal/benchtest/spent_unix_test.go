//go:build unix

package benchtest_test

import (
	"syscall"
	"time"
)

// ownCPUTime returns what this process has spent; negative if nobody knows.
func ownCPUTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return -1
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
