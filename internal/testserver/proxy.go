package testserver

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy in front of a server: the network between it and its
// clients, which can fail. Its methods may be called side by side.
type Proxy struct {
	t     testing.TB
	port  port
	tasks sync.WaitGroup // one that accepts, and one for each connection

	mu       sync.Mutex
	target   string
	listener net.Listener // nil while cut
	links    map[*link]struct{}
	flow     chan struct{} // closed, unless stalled
	delay    time.Duration
	cutWhen  func(fromClient []byte) bool
	dropWhen func(fromClient []byte) bool
}

// StartProxy starts a proxy for one test in front of the server at an address like
// that of [Server.Addr].
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: target, links: make(map[*link]struct{}), flow: make(chan struct{})}
	close(p.flow)
	must(t, "start a proxy", withPort(func(at port) error {
		p.port = at
		return p.open()
	}))
	t.Cleanup(func() {
		p.Cut()
		p.tasks.Wait()
		must(t, "end a proxy", p.port.release())
	})
	return p
}

// Addr returns the address for clients.
func (p *Proxy) Addr() string { return p.port.addr() }

// Cut closes all connections, and refuses new ones until [Proxy.Heal].
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.close()
	}
}

// Heal accepts connections again.
func (p *Proxy) Heal() {
	p.t.Helper()
	must(p.t, "heal a proxy", p.open())
}

// Reset breaks off all connections: both ends get "connection reset by peer", and
// what was under way is lost. New ones are welcome.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// open listens, unless the proxy does.
func (p *Proxy) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp4", p.port.addr())
	if err != nil {
		return errors.Join(errPortTaken, err)
	}
	p.listener = l
	p.tasks.Go(func() { p.accept(l) })
	return nil
}

// accept ends when the listener is closed.
func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.t.Errorf("testserver: a proxy accepts no more connections: %v", err)
			return
		}
		p.tasks.Go(func() { p.serve(l, client.(*net.TCPConn)) })
	}
}

// serve connects a client of a listener with the server until one of them, or the
// proxy, closes the connection.
func (p *Proxy) serve(from net.Listener, client *net.TCPConn) {
	server, err := (&net.Dialer{Timeout: patience}).DialContext(context.Background(), "tcp4", p.destination())
	if err != nil {
		_ = client.SetLinger(0) // the client is refused too, as far as that is possible by now
		_ = client.Close()
		return
	}
	l := &link{proxy: p, client: client, server: server.(*net.TCPConn), gone: make(chan struct{}), drained: make(chan struct{})}
	p.mu.Lock()
	if p.listener == from {
		p.links[l] = struct{}{}
	} else {
		l.close() // cut off meanwhile
	}
	p.mu.Unlock()
	l.run()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
