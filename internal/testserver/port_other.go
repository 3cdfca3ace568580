//go:build !linux

package testserver

import (
	"context"
	"net"
)

// reserve only looks whether a port is free: elsewhere than on Linux, a socket
// that is bound keeps everybody out, the server as well.
func reserve(number int) (release func() error, err error) {
	nothing := func() error { return nil }
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp4", port{number: number}.addr())
	if err != nil {
		return nil, err
	}
	return nothing, l.Close()
}
