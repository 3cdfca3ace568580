package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	// Ports are chosen below the ranges from which systems take the ports of
	// outgoing connections, 32768 and up. So no connection of anybody can take the
	// port of a server that is down, and no client that dials it can, by chance, be
	// given that very port and connect to itself.
	firstPort = 20000
	ports     = 6000

	// busOffset leads from the port of a Redis to the one for its Cluster's gossip.
	// It keeps the latter outside of the range of the former.
	busOffset = ports
)

// port is a TCP port on 127.0.0.1 that belongs to one server, also while that is
// down.
type port struct {
	number  int
	release func() error
}

const host = "127.0.0.1"

func (p port) addr() string { return net.JoinHostPort(host, p.text()) }

func (p port) text() string { return strconv.Itoa(p.number) }

// reservePort finds a port that nobody uses.
func reservePort() (port, error) {
	var err error
	for range 100 {
		number := firstPort + rand.IntN(ports)
		var release func() error
		if release, err = reserve(number); err == nil {
			return port{number: number, release: release}, nil
		}
	}
	return port{}, fmt.Errorf("find a free port: %w", err)
}

// errPortTaken says that a server could not start because somebody listens on its
// port.
var errPortTaken = errors.New("the port is taken")

// withPort calls start with one port after another until it finds one free.
func withPort(start func(port) error) error {
	for attempts := 1; ; attempts++ {
		p, err := reservePort()
		if err != nil {
			return err
		}
		err = start(p)
		if err == nil {
			return nil
		}
		err = errors.Join(err, p.release())
		if !errors.Is(err, errPortTaken) || attempts == 5 {
			return err
		}
	}
}
