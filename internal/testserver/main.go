package testserver

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// current is the session of the tests that run. It is the only state of this
// package. There has to be one: the testing package hands nothing from TestMain,
// which knows when all tests have ended, to the tests.
var current atomic.Pointer[session]

// session is what the tests of one process share. All of it is made at the first
// request.
type session struct {
	postgres, mariadb, redis          once[*instance]
	postgresTemplate, mariadbTemplate once[*directory]
}

// Main runs the tests of a package, ends the servers that they shared, and returns
// the exit code.
//
//	func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }
func Main(m *testing.M) int {
	s := new(session)
	if !current.CompareAndSwap(nil, s) {
		panic("testserver: Main runs already")
	}
	defer current.Store(nil)
	code := m.Run()
	if err := s.close(); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		return max(code, 1)
	}
	return code
}

// AtOnce has n tests of a package run side by side, unless -parallel says otherwise:
// those that wait most of the time, for a server that starts, a timeout, a lock. It is
// called before [Main].
func AtOnce(n int) {
	if err := flag.Set("test.parallel", strconv.Itoa(n)); err != nil {
		panic(err) // testing itself has defined it
	}
}

// Tests are the tests of a package, run by [Main], for what wants to run them
// itself.
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(testserver.Tests{M: m}) }
type Tests struct{ M *testing.M }

// Run is [Main].
func (t Tests) Run() int { return Main(t.M) }

func (s *session) close() error {
	err := errors.Join(s.postgres.value.close(), s.mariadb.value.close(), s.redis.value.close())
	for _, template := range []*directory{s.postgresTemplate.value, s.mariadbTemplate.value} {
		if template != nil {
			err = errors.Join(err, template.remove())
		}
	}
	return err
}

// share returns a handle of this test on the server that one returns of the
// session, which the first test to come starts.
func share(t testing.TB, one func(*session) *once[*instance], start func() (*instance, error)) *Server {
	t.Helper()
	s := current.Load()
	if s == nil {
		t.Fatal("testserver: a shared server has nobody to end it: have TestMain call testserver.Main")
	}
	in, err := one(s).get(start)
	must(t, "start a shared server", err)
	return &Server{t: t, in: in, shared: true}
}

// once makes one value, at the first request. A failure is kept too.
type once[T any] struct {
	sync.Once

	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	o.Do(func() { o.value, o.err = make() })
	return o.value, o.err
}
