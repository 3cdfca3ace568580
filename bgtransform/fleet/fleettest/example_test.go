package fleettest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

// A Memory stands in for a real Registry in the tests of an application.
func ExampleMemory() {
	var registry fleettest.Memory
	ctx := context.Background()
	m := fleet.Member{Instance: "web-1", Term: "k7", Version: "1.5"}
	_ = registry.Announce(ctx, m, time.Minute)
	_ = registry.Leave(ctx, m)
	seen, _ := registry.Members(ctx)
	fmt.Println(seen[0].Member, seen[0].Live)
	// Output:
	// web-1 (version 1.5) false
}
