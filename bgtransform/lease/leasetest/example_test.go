package leasetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

// A Memory stands in for a real Locker in the tests of an application.
func ExampleMemory() {
	var locker leasetest.Memory
	ctx := context.Background()

	first := lease.Claim{Name: "track-length-ms", Holder: "host-1", Term: "1", TTL: time.Minute}
	fmt.Println(locker.Acquire(ctx, first))

	second := lease.Claim{Name: "track-length-ms", Holder: "host-2", Term: "2", TTL: time.Minute}
	fmt.Println(locker.Renew(ctx, second))
	fmt.Println(locker.Holder("track-length-ms"))
	// Output:
	// <nil>
	// lease lost
	// host-1
}
