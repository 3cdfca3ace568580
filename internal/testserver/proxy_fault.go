package testserver

import "time"

// Stall makes a black hole of the network, or ends it: connections stay open and
// new ones are accepted, but nothing gets through, in neither direction, not even
// that one end has closed. What was sent meanwhile arrives when it is over.
func (p *Proxy) Stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stalled := false
	select {
	case <-p.flow:
	default:
		stalled = true
	}
	switch {
	case on && !stalled:
		p.flow = make(chan struct{})
	case !on && stalled:
		close(p.flow)
	}
}

// Retarget breaks off all connections, and connects new ones with the server at
// another address: as when its name or its address has passed to another machine.
func (p *Proxy) Retarget(addr string) {
	p.mu.Lock()
	p.target = addr
	p.mu.Unlock()
	p.Reset()
}

// Delay makes each piece of data take that much longer, in each direction. Zero
// ends it.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// CutWhen closes a connection between a request and its answer: match is called
// with everything that a client sends, piece by piece, and when it returns true,
// the server still gets that piece, and has carried it out when the client finds
// its connection closed without an answer. So the client cannot know that its
// COMMIT has succeeded. New connections are accepted.
//
// match is called for several connections side by side and must not keep the slice.
// A piece is what one Read returned, usually what one Write sent. nil ends it.
func (p *Proxy) CutWhen(match func(fromClient []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutWhen = match
}

// DropWhen is [Proxy.CutWhen], but the server does not get that piece: to the
// client it looks the same.
func (p *Proxy) DropWhen(match func(fromClient []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropWhen = match
}

// latency returns how long a piece of data is under way.
func (p *Proxy) latency() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

// destination returns the address of the server for new connections.
func (p *Proxy) destination() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// flows returns a channel that is closed when data gets through.
func (p *Proxy) flows() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flow
}

// judge asks the functions of CutWhen and DropWhen, which may call the proxy.
func (p *Proxy) judge(fromClient []byte) (cut, drop bool) {
	p.mu.Lock()
	cutWhen, dropWhen := p.cutWhen, p.dropWhen
	p.mu.Unlock()
	return cutWhen != nil && cutWhen(fromClient), dropWhen != nil && dropWhen(fromClient)
}
