package throttle

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// Pool returns a signal of a connection pool of the app: how long those who had to
// wait for a connection waited, on average, since the look before. Zero bounds mean
// the defaults: slow above 20 ms, stop above 200 ms. A pool without a limit has no waits.
//
// The numbers are those of [sql.DB.Stats], which takes no connection.
func Pool(db *sql.DB, bounds Bounds[time.Duration]) Signal {
	if bounds.IsZero() {
		bounds = Bounds[time.Duration]{Slow: 20 * time.Millisecond, Stop: 200 * time.Millisecond}
	}
	w := poolWaits{stats: db.Stats}
	return Func("pool-waits", bounds, func(context.Context) (time.Duration, error) { return w.read(time.Now()), nil })
}

// poolWaits measures the waits for a connection.
type poolWaits struct {
	stats func() sql.DBStats

	mu    sync.Mutex
	begun bool
	last  sql.DBStats
	stuck time.Time // since when nobody has got a connection who waits; zero: somebody has
}

// read returns the average wait since the last call. A wait is counted by the pool
// once it has begun, and its duration once it is over, so while none is over it
// has lasted since they began.
func (w *poolWaits) read(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	is, was := w.stats(), w.last
	w.last = is
	if !w.begun {
		w.begun = true
		return 0
	}
	began, took := is.WaitCount-was.WaitCount, is.WaitDuration-was.WaitDuration
	full := is.MaxOpenConnections > 0 && is.InUse >= is.MaxOpenConnections
	switch {
	case took > 0:
		w.stuck = time.Time{}
		return took / time.Duration(max(began, 1))
	case !full:
		w.stuck = time.Time{}
	case began > 0 && w.stuck.IsZero():
		w.stuck = now
	}
	if w.stuck.IsZero() {
		return 0
	}
	return now.Sub(w.stuck)
}
