package bgtransform

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"
)

// spent tells what a batch has waited for that is not the database: user code,
// and a connection of the app's pool.
type spent struct {
	code atomic.Int64 // nanoseconds
	pool sql.DBStats  // as the batch began
}

type spentKey struct{}

// spending returns a context on which user code of a batch counts.
func (s *Scheduler) spending(ctx context.Context) (context.Context, *spent) {
	used := &spent{pool: s.db.Stats()}
	return context.WithValue(ctx, spentKey{}, used), used
}

// inCode counts the time from now on until the returned function is called.
func inCode(ctx context.Context) (done func()) {
	s, ok := ctx.Value(spentKey{}).(*spent)
	if !ok {
		return func() {}
	}
	began := time.Now()
	return func() { s.code.Add(int64(time.Since(began))) }
}

// connections is how many times a batch asks the pool for one: to read, and to write.
const connections = 2

// waited estimates how long the batch has waited for connections: as long as those
// who waited meanwhile did on average, for database/sql tells no more.
func (s *spent) waited(now sql.DBStats) time.Duration {
	count, total := now.WaitCount-s.pool.WaitCount, now.WaitDuration-s.pool.WaitDuration
	if count <= 0 {
		return 0
	}
	return min(total, connections*total/time.Duration(count))
}

// parts returns took as it was spent: by the database, which is all that is not
// known to be something else, in user code, and waiting for connections.
func (s *spent) parts(took time.Duration, now sql.DBStats) (database, code, waited time.Duration) {
	code = min(took, time.Duration(s.code.Load()))
	waited = min(took-code, s.waited(now))
	return took - code - waited, code, waited
}
