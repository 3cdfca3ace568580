package testserver

import (
	"fmt"
	"syscall"
)

// reserve keeps a port from other processes that reserve, for as long as release
// is not called. It binds a socket that never listens. Binding it alone asks for
// the port exclusively; afterwards SO_REUSEADDR lets in whoever sets that too, as
// all servers do before they listen.
func reserve(number int) (release func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("reserve port %d: %w", number, err)
	}
	return func() error { return syscall.Close(fd) }, nil
}
