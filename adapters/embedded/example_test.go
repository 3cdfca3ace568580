package embedded_test

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/adapters/embedded"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// An embedded Redis is the Locker itself.
func ExampleNew() {
	emb := embedded.New()
	defer func() { _ = emb.Close() }()

	k := lease.Keeper{Locker: emb, Holder: "host-1"}
	err := k.Do(context.Background(), "track-length-ms", func(context.Context) error {
		fmt.Println("working")
		return nil
	})
	fmt.Println(err, lease.IsLocal(emb))
	// Output:
	// working
	// <nil> true
}

// Its client serves whatever else wants a Redis.
func ExampleRedis_Client() {
	emb := embedded.New()
	defer func() { _ = emb.Close() }()

	ctx := context.Background()
	emb.Client().SAdd(ctx, "processed", 1, 2, 3)
	fmt.Println(emb.Client().SCard(ctx, "processed").Val())
	// Output:
	// 3
}
