package admin

import (
	"context"
	"errors"
	"time"
)

// mostStreams bounds how many viewers are kept up to date at once.
const mostStreams = 200

var (
	errClosed = errors.New("the page is being closed; what it shows is still there")
	errFull   = errors.New("too many viewers are kept up to date already; reload instead")
)

// join counts a viewer who is to be kept up to date until leave is called. The first one
// starts the loop that reads for all, the last one to leave ends it.
func (b *board) join() (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, errClosed
	case b.watching == mostStreams:
		return nil, errFull
	}
	if b.watching++; b.watching == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		b.stop = cancel
		b.loops.Go(func() { b.loop(ctx) }) // ends when the last viewer leaves, or with close
	}
	return b.leave, nil
}

func (b *board) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watching--; b.watching == 0 {
		b.stop()
	}
}

// close ends the loop, and waits for it. Streams end by themselves, soon after.
func (b *board) close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.ended)
	}
	if b.stop != nil {
		b.stop()
	}
	b.mu.Unlock()
	b.loops.Wait()
}

// loop keeps up to date what somebody watches.
func (b *board) loop(ctx context.Context) {
	ticker := time.NewTicker(b.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.kick:
		case <-ticker.C:
		}
		// What was read since the tick before, for a page, is new enough. All is read first:
		// it is part of each.
		b.all.watched(ctx, b.every/2)
		for _, s := range b.sheets() {
			s.watched(ctx, b.every/2)
		}
	}
}

func (b *board) sheets() []*sheet[detail] {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*sheet[detail], 0, len(b.one))
	for _, s := range b.one {
		all = append(all, s)
	}
	return all
}
