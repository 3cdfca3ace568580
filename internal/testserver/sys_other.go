//go:build !unix

package testserver

import (
	"errors"
	"syscall"
)

// onUnix is false: no server is ever started, and tests are skipped.
const (
	onUnix       = false
	signalFreeze = syscall.Signal(-1)
	signalThaw   = syscall.Signal(-1)
)

var errNotUnix = errors.New("possible on Unix only")

func ownGroup() *syscall.SysProcAttr { return nil }

func attributes(*account, syscall.Signal) *syscall.SysProcAttr { return nil }

func send(int, syscall.Signal) error { return errNotUnix }

type account struct{}

func unprivileged() (*account, error) { return nil, errNotUnix }

func (*account) give(string) error { return errNotUnix }
