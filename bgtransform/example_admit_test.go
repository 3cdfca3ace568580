package bgtransform_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
)

// Before it serves, an instance asks whether it may: here one of the version before the
// move, which a rollback brings back beside one that reads the new column already.
func ExampleScheduler_Admit() {
	db := songs()
	defer db.Close()
	ctx := context.Background()
	pool := new(fleettest.Memory) // an app has the table in its database, or redisfleet
	reader := fleet.Member{Instance: "web-2", Version: "2", Stages: map[string]fleet.Stage{"song-length-ms": fleet.Compare}}
	if err := pool.Announce(ctx, reader, fleet.Rules{}.WithDefaults().TTL); err != nil {
		panic(err)
	}
	cfg := exampleConfig()
	cfg.Fleet = pool
	sched, err := bgtransform.New(db, cfg)
	if err != nil {
		panic(err)
	}
	switch err := sched.Admit(ctx); {
	case errors.Is(err, bgtransform.ErrNotAdmitted):
		fmt.Println(err) // and os.Exit(1), so that the deploy goes no further
	case err != nil:
		panic(err) // nobody knows: an app logs it, and may serve
	}
	// Output: bgtransform: this version of the app may not start now: web-2 (version 2) is alive and in stage compare of song-length-ms, and reads the new column, which this version does not write; bring reads to phase old first (tune song-length-ms phase=old), or deploy a version in between
}
