package lease_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/lease/leasetest"
)

// Two instances share a Locker; while one works, the other is told who does.
func ExampleKeeper_Do() {
	locker := new(leasetest.Memory) // redislease.New(rdb) in production
	one := lease.Keeper{Locker: locker, Holder: "host-1", TTL: 30 * time.Second}
	two := lease.Keeper{Locker: locker, Holder: "host-2", TTL: 30 * time.Second}

	err := one.Do(context.Background(), "track-length-ms", func(ctx context.Context) error {
		err := two.Do(ctx, "track-length-ms", func(context.Context) error { return nil })
		if held, ok := errors.AsType[*lease.HeldError](err); ok {
			fmt.Println("host-2 waits for", held.Holder)
		}
		return nil
	})
	fmt.Println(err, locker.Holder("track-length-ms") == "")
	// Output:
	// host-2 waits for host-1
	// <nil> true
}

// Work in steps asks before each one whether the lease is still to be relied on.
func ExampleTrusted() {
	k := lease.Keeper{Locker: new(leasetest.Memory), Holder: "host-1"}
	err := k.Do(context.Background(), "track-length-ms", func(ctx context.Context) error {
		for step := range 3 {
			if err := lease.Trusted(ctx); err != nil {
				return err
			}
			fmt.Println("step", step)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// step 0
	// step 1
	// step 2
	// <nil>
}

// Events feed logs and metrics.
func ExampleEvent() {
	k := lease.Keeper{
		Locker: new(leasetest.Memory),
		Holder: "host-1",
		Events: func(ev lease.Event) { fmt.Println(ev.Name, ev.Kind) },
	}
	_ = k.Do(context.Background(), "track-length-ms", func(context.Context) error { return nil })
	// Output:
	// track-length-ms acquired
	// track-length-ms released
}
