//go:build !unix

package benchtest_test

import "time"

// ownCPUTime returns what this process has spent; negative if nobody knows.
func ownCPUTime() time.Duration { return -1 }
