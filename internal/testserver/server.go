package testserver

import (
	"context"
	"testing"
	"time"
)

// Server is what all servers have in common: they can be killed, frozen and
// started again. Methods that fail fail the test. They may be called side by side.
type Server struct {
	t      testing.TB
	in     *instance
	shared bool
}

// own gives a server to one test, which ends it. The log of a server is part of
// the story of a test that failed.
func own(t testing.TB, in *instance) *Server {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("testserver: %s on %s said:\n%s", in.kind.name, in.port.addr(), in.lastWords())
		}
		if err := in.close(); err != nil {
			t.Errorf("testserver: end %s: %v", in.kind.name, err)
		}
	})
	return &Server{t: t, in: in}
}

// Addr returns host and port. They stay the same when the server is started again.
func (s *Server) Addr() string { return s.in.port.addr() }

// Kill ends the server and all its processes like a crash of the machine. It
// returns when they are gone, and does nothing if they are already.
func (s *Server) Kill() {
	s.t.Helper()
	s.do("kill", s.in.kill)
}

// Stop asks the server to end in an orderly way, without waiting for its clients,
// and returns when it has.
func (s *Server) Stop() {
	s.t.Helper()
	s.do("stop", func() error {
		return s.in.running(func(*process) error { return s.in.halt(s.in.kind.stop) })
	})
}

// Start starts a server again that is down, on its port and with the data that it
// left on the disk. It returns when the server answers.
func (s *Server) Start() {
	s.t.Helper()
	s.do("start", s.in.start)
}

// Freeze stops the server and all its processes from running. The kernel still
// accepts connections, and data, for it.
func (s *Server) Freeze() {
	s.t.Helper()
	s.do("freeze", func() error {
		return s.in.running(func(p *process) error { return patiently(p.freeze) })
	})
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() {
	s.t.Helper()
	s.do("thaw", func() error { return s.in.running((*process).thaw) })
}

// CPUTime returns the processor time that the server has spent since it was
// started, in all of its processes, in steps of 10 ms. It is negative where the
// system does not say, which is anywhere but on Linux.
func (s *Server) CPUTime() time.Duration {
	s.t.Helper()
	spent := time.Duration(0)
	must(s.t, "look at "+s.in.kind.name, s.in.running(func(p *process) error {
		family, err := descent(p.pid())
		for _, f := range family {
			spent += f.spent
		}
		return err
	}))
	return spent
}

// do does to the server what other tests would feel.
func (s *Server) do(what string, try func() error) {
	s.t.Helper()
	if s.shared {
		s.t.Fatalf("testserver: %s the shared %s: other tests use it, start one of your own", what, s.in.kind.name)
	}
	must(s.t, what+" "+s.in.kind.name, try())
}

// ask calls a function that talks to the server, with plenty of time.
func (s *Server) ask(t testing.TB, what string, talk func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, what, talk(ctx))
}
