package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// quietFor is after how long without news the stream says that there is none: it finds
	// out who is gone, keeps proxies from taking the stream for dead, and tells viewers that
	// what they see still holds. The page's script gives up a stream that is quiet for
	// three times as long.
	quietFor = 15 * time.Second

	// writeTime is how long a client may take to receive an event.
	writeTime = 10 * time.Second
)

const eventStream = "text/event-stream"

// line is a stream of server-sent events.
type line struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func newLine(w http.ResponseWriter) line { return line{w, http.NewResponseController(w)} }

// open sends the head of the answer.
func (l line) open() error {
	l.w.Header().Set("Content-Type", eventStream)
	l.w.Header().Set("X-Accel-Buffering", "no") // of nginx
	if err := l.ctl.Flush(); errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// serve sends an event for what is there, and one for each change, until ctx ends, or ended
// is closed, or the client is gone; or until what is there cannot be told: who watches would
// take the old for new.
func (l line) serve(ctx context.Context, changed, ended <-chan struct{}, now func(ctx context.Context) (etag string, err error)) {
	ticker := time.NewTicker(quietFor)
	defer ticker.Stop()
	last := ""
	for {
		etag, err := now(ctx)
		if err != nil {
			return
		}
		text := "event: same\ndata: " + etag + "\n\n"
		if etag != last {
			last, text = etag, fmt.Sprintf("id: %s\ndata: %s\n\n", etag, etag)
		}
		if l.send(text) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-changed:
		case <-ticker.C:
		}
	}
}

// send sends an event. The timeout of the app's server for an answer is for one that ends;
// here each event has its own.
func (l line) send(text string) error {
	_ = l.ctl.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := l.w.Write([]byte(text)); err != nil {
		return err
	}
	return l.ctl.Flush()
}
