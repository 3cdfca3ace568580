package testserver

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is a connection through a proxy.
type link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	closing        sync.Once
	gone           chan struct{} // closed by close
	drained        chan struct{} // closed when the server will say nothing more
	mute           atomic.Bool   // the client gets no more answers
}

// errCut ends a link on purpose.
var errCut = errors.New("cut by the proxy")

// run carries data until both ends have closed, or close was called.
func (l *link) run() {
	var both sync.WaitGroup
	both.Go(func() { l.carry(l.client, l.server, l.toServer) })
	both.Go(func() {
		defer close(l.drained)
		l.carry(l.server, l.client, l.toClient)
	})
	both.Wait()
	l.close()
}

// carry passes on what one end sends until it has closed. It ends the link if that
// is impossible.
func (l *link) carry(from, to *net.TCPConn, pass func([]byte) error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := pass(buf[:n]); err != nil {
				l.close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			if l.travel() == nil {
				_ = to.CloseWrite()
			}
			return
		}
		if err != nil {
			l.reset()
			return
		}
	}
}

func (l *link) toServer(piece []byte) error {
	if err := l.travel(); err != nil {
		return err
	}
	cut, drop := l.proxy.judge(piece)
	if drop {
		return errCut
	}
	if cut {
		return l.finish(piece)
	}
	_, err := l.server.Write(piece)
	return err
}

// finish sends the last piece and then waits until the server has closed, which it
// does when it has carried out everything that it was sent.
func (l *link) finish(piece []byte) error {
	l.mute.Store(true)
	if _, err := l.server.Write(piece); err != nil {
		return err
	}
	if err := l.server.CloseWrite(); err != nil {
		return err
	}
	enough := time.NewTimer(patience)
	defer enough.Stop()
	select {
	case <-l.drained:
	case <-l.gone:
	case <-enough.C:
	}
	return errCut
}

func (l *link) toClient(piece []byte) error {
	if l.mute.Load() {
		return nil
	}
	if err := l.travel(); err != nil {
		return err
	}
	_, err := l.client.Write(piece)
	return err
}

// travel takes as long as data is under way.
func (l *link) travel() error {
	arrival := time.NewTimer(l.proxy.latency())
	defer arrival.Stop()
	select {
	case <-arrival.C:
	case <-l.gone:
		return errCut
	}
	select {
	case <-l.proxy.flows():
		return nil
	case <-l.gone:
		return errCut
	}
}

// close closes both ends. It is safe to call more than once.
func (l *link) close() {
	l.closing.Do(func() {
		close(l.gone)
		_, _ = l.client.Close(), l.server.Close()
	})
}

// reset is close without the usual farewell.
func (l *link) reset() {
	_, _ = l.client.SetLinger(0), l.server.SetLinger(0)
	l.close()
}
