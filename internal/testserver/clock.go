package testserver

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// clockSource is a C library that moves the wall clock of the program that loads it.
//
//go:embed testdata/clock.c
var clockSource []byte

// Clock is the wall clock that servers go by which are started with it. It can jump
// while they run, at once for all of them and their connections; that of the machine
// stays as it is. Its methods may be called side by side.
type Clock struct {
	t   testing.TB
	dir *directory

	mu sync.Mutex
	by time.Duration
}

// NewClock makes a clock for one test, which shows the machine's time at first. It
// needs Linux with its usual C library, and a C compiler.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	c := &Clock{t: t}
	var err error
	c.dir, err = makeClock()
	must(t, "make a clock", err)
	t.Cleanup(func() { must(t, "remove a clock", c.dir.remove()) }) // after its servers, which are started later
	c.Jump(0)
	return c
}

func makeClock() (*directory, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("a library to load before all others is %w", errMissing)
	}
	compiler, err := find("gcc")
	if err != nil {
		return nil, err
	}
	return fill(func(d *directory) error {
		if err := os.WriteFile(d.file("clock.c"), clockSource, 0o600); err != nil {
			return err
		}
		if err := run(d, nil, compiler, "-shared", "-fPIC", "-O1", "-pthread", "-o", d.file("clock.so"), d.file("clock.c")); err != nil {
			return fmt.Errorf("a C library that a clock can be made for is %w: %w", errMissing, err)
		}
		return nil
	})
}

// Jump sets the clock forward, or back, by a length of time.
func (c *Clock) Jump(by time.Duration) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += by
	must(c.t, "set a clock", c.write())
}

// write writes by how much the clock is moved, in one piece. Servers have the file in
// their memory, also such as run as another user.
func (c *Clock) write() error {
	f, err := os.OpenFile(c.file(), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(c.by.Nanoseconds())), 0)
	return err
}

func (c *Clock) file() string { return c.dir.file("clock") }

// of makes of a command one that goes by the clock. Without one that is the machine's.
func (c *Clock) of(command []string) []string {
	if c == nil {
		return command
	}
	return append([]string{"/usr/bin/env", "LD_PRELOAD=" + c.dir.file("clock.so"), "TESTSERVER_CLOCK=" + c.file()}, command...)
}
