package redisfleet_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/adapters/redisfleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// The engine announces the instance by itself: cfg.Fleet = redisfleet.New(rdb).
func ExampleNew() {
	server := miniredis.NewMiniRedis() // in production, a Redis that the pool shares
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		ContextTimeoutEnabled: true,
	})
	defer func() { _ = rdb.Close() }()

	ctx := context.Background()
	registry := redisfleet.New(rdb)
	me := fleet.Member{Instance: "web-1", Term: "k7", Version: "1.5", Stages: map[string]fleet.Stage{"track-length-ms": fleet.Fallback}}
	fmt.Println(registry.Announce(ctx, me, time.Minute))
	seen, err := registry.Members(ctx)
	fmt.Println(seen[0].Member, seen[0].Stage("track-length-ms"), err)
	// Output:
	// <nil>
	// web-1 (version 1.5) fallback <nil>
}

// Applications that share a Redis keep their pools apart.
func ExampleWithPrefix() {
	server := miniredis.NewMiniRedis()
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
	})
	defer func() { _ = rdb.Close() }()

	registry := redisfleet.New(rdb, redisfleet.WithPrefix("catalogue:"))
	_ = registry.Announce(context.Background(), fleet.Member{Instance: "web-1", Term: "k7"}, time.Minute)
	fmt.Println(server.Keys())
	// Output:
	// [catalogue:{fleet}:said catalogue:{fleet}:times]
}
