package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// place is where PostgreSQL has the newest version of the checkpoint's row. While some
// transaction keeps a snapshot, a dump say, no version of the row may be removed, and to
// find the newest by its key is to visit all of them: 0.1 ms more for every 1000 batches.
// From when on that takes long, each checkpoint remembers where it was written, and
// the next looks there first, under the same conditions, before it looks everywhere.
type place struct {
	least time.Duration // from when on a search is slow
	trips int           // how many questions long a search must be to be slow

	mu    sync.Mutex
	slow  bool          // it takes longer to find the row than to ask where it is
	found time.Duration // what it took to find it by its key, last
	trip  time.Duration // that the last question took; 0: none was asked yet
	uses  int           // since it was last looked for everywhere
	beats int64         // of the checkpoint that lies at ctid
	ctid  string        // empty: not known
}

const (
	// slowFind is from when on it may be worth a question where the row is, which is
	// one more trip to the server.
	slowFind = time.Millisecond

	// worthTrips is how many trips long the search must be for that.
	worthTrips = 4

	// placeUses is after how many checkpoints it is looked for everywhere again, as
	// the snapshot may be gone.
	placeUses = 1000
)

func newPlace() *place { return &place{least: slowFind, trips: worthTrips} }

// nearby returns the statement that writes a checkpoint where the one with these beats
// is; false if that is not known. A nil place knows none.
func (p *place) nearby(checkpoint string, beats int64) (string, bool) {
	if p == nil {
		return checkpoint, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slow || p.ctid == "" || p.beats != beats || p.uses >= placeUses {
		p.uses = 0
		return checkpoint, false
	}
	p.uses++
	return checkpoint + " AND ctid = CAST('" + p.ctid + "' AS tid)", true
}

// noted returns a statement that leaves behind where it has written the row, if
// that will be asked for.
func (p *place) noted(checkpoint string) (string, bool) {
	if p == nil {
		return checkpoint, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slow {
		return checkpoint, false
	}
	return checkpoint + " RETURNING set_config('bgtransform.place', CAST(ctid AS text), true)", true
}

// searched notes how long it took to find the row by its key.
func (p *place) searched(took time.Duration) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = took
	p.judge()
}

func (p *place) judge() {
	p.slow = p.found >= p.least && p.found >= time.Duration(p.trips)*p.trip
}

// ask returns where the transaction has written the row; "" if nobody will want to know.
func (p *place) ask(ctx context.Context, tx bun.Tx, noted bool) (string, error) {
	if p == nil || !noted {
		return "", nil
	}
	began := time.Now()
	var ctid string
	if err := tx.Tx.QueryRowContext(ctx, "SELECT current_setting('bgtransform.place')").Scan(&ctid); err != nil {
		return "", fmt.Errorf("ask where the checkpoint is: %w", err)
	}
	var page, line int64
	if _, err := fmt.Sscanf(ctid, "(%d,%d)", &page, &line); err != nil {
		return "", fmt.Errorf("read where the checkpoint is, %q: %w", ctid, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trip = time.Since(began)
	p.judge() // over a slow network it is the trips that take long
	return fmt.Sprintf("(%d,%d)", page, line), nil
}

// put notes where the checkpoint with these beats is, once that has been committed.
func (p *place) put(ctid string, beats int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctid, p.beats = ctid, beats
}
