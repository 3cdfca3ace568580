package redislease_test

import (
	"context"
	"fmt"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redislease"
	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// One client serves all transforms of an application.
func ExampleNew() {
	server := miniredis.NewMiniRedis() // in production, a Redis that the pool shares
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		ContextTimeoutEnabled: true,
	})
	defer func() { _ = rdb.Close() }()

	k := lease.Keeper{Locker: redislease.New(rdb), Holder: "host-1"}
	err := k.Do(context.Background(), "track-length-ms", func(context.Context) error {
		fmt.Println(server.Keys())
		return nil
	})
	fmt.Println(err, server.Keys())
	// Output:
	// [bgtransform:{track-length-ms}:lease]
	// <nil> []
}

// Applications that share a Redis keep their leases apart.
func ExampleWithPrefix() {
	server := miniredis.NewMiniRedis()
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
	})
	defer func() { _ = rdb.Close() }()

	k := lease.Keeper{Locker: redislease.New(rdb, redislease.WithPrefix("catalogue:")), Holder: "host-1"}
	_ = k.Do(context.Background(), "track-length-ms", func(context.Context) error {
		fmt.Println(server.Keys())
		return nil
	})
	// Output:
	// [catalogue:{track-length-ms}:lease]
}
