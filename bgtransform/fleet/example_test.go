package fleet_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

// Two instances of the new version write both columns; one of the old version is left.
func Example() {
	ctx := context.Background()
	registry := new(fleettest.Memory) // in production, the app's database or a Redis
	both := map[string]fleet.Stage{"track-length-ms": fleet.Fallback}
	for _, m := range []fleet.Member{
		{Instance: "web-1", Term: "k7", Version: "1.5", Stages: both},
		{Instance: "web-2", Term: "q3", Version: "1.5", Stages: both},
		{Instance: "web-3", Term: "z9", Version: "1.4"},
	} {
		_ = registry.Announce(ctx, m, time.Minute)
	}

	seen, err := registry.Members(ctx)
	if err != nil {
		fmt.Println(err) // wait, and say so
	}
	pool := fleet.Pool(seen)
	fmt.Println(pool.Start("track-length-ms", fleet.Rules{}).Why)
	fmt.Println(pool.Contract("track-length-ms", "").Why)

	step := pool.Step(fleet.Ask{Move: "track-length-ms", Term: "k7", Now: fleet.Fallback, Want: fleet.New}, fleet.Rules{})
	fmt.Println(step.Stage)
	// Output:
	// waits for 1 instance that writes only the old column: web-3 (version 1.4), last seen 0 s ago
	// 3 instances still read the old column: web-1 (version 1.5) is in fallback
	// old
}
