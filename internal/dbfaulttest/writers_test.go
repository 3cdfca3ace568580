package dbfaulttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"
)

// writers are the app's own writes to the rows that are being transformed. They
// raise ver with each of them.
type writers struct {
	t     testing.TB
	p     place
	db    *bun.DB
	rows  int64
	new   atomic.Int64 // keys between the old ones
	wrote atomic.Int64
}

// write does one write of the app to any row, or to a row of its choice if id > 0.
// What the database refuses (a deadlock, a lock, a connection that is cut) did not
// take place.
func (w *writers) write(ctx context.Context, id int64) {
	if id == 0 {
		id = gap * (1 + rand.Int64N(w.rows))
	}
	src := rand.Int64N(1_000_000)
	edit := func(set string) []string {
		return []string{fmt.Sprintf("UPDATE items SET %s, ver = ver + 1 WHERE id = %d", set, id)}
	}
	var statements []string
	switch rand.IntN(9) {
	case 0, 1: // a version of the app without the dual write
		statements = edit(fmt.Sprintf("src = %d, dst = NULL", src))
	case 2: // one with it
		statements = edit(fmt.Sprintf("src = %d, dst = %d", src, src*factor))
	case 3: // the target alone; [place.wantRight] knows such a value
		statements = edit("dst = -(ver + 1)")
		if w.p.kind == mariadb { // it assigns from left to right, and the value is the new ver's
			statements = []string{fmt.Sprintf("UPDATE items SET ver = ver + 1, dst = -ver WHERE id = %d", id)}
		}
	case 4, 5: // there and back
		statements = append(edit("dst = NULL, src = src + 7"), edit("src = src - 7, dst = NULL")...)
	case 6:
		statements = []string{fmt.Sprintf("DELETE FROM items WHERE id = %d", id)}
	default: // behind the cursor or before it; a key that is taken is refused
		statements = []string{fmt.Sprintf("INSERT INTO items (id, src) VALUES (%d, %d)", id+1+w.new.Add(1)%(gap-1), src)}
	}
	for _, s := range statements {
		if _, err := w.db.ExecContext(ctx, s); err != nil {
			return
		}
	}
	w.wrote.Add(1)
}

// run keeps several writers busy until stop is called, which waits for them.
func (w *writers) run(lines int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range lines {
		wg.Go(func() { // ends with stop
			for ctx.Err() == nil {
				w.write(context.Background(), 0) // a write under way is not cut short
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}
