package postgreshealth

import (
	"context"
	"time"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// ours are the sessions that are in a transaction of a transform in this database:
// its first statement writes to the table of the checkpoints.
const ours = `SELECT l.pid FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
	WHERE l.locktype = 'relation' AND l.granted AND l.pid IS NOT NULL AND l.mode = 'RowExclusiveLock' AND c.relname = 'bgtransform_ranges'
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// LockWaits is the number of sessions that wait for a lock which a batch holds, or
// behind one that does, looked at twice a second. Zero bounds mean the defaults: slow above 1, stop
// above 5.
//
// It needs no special rights. While it is unknown, it asks for nothing.
func (s *Server) LockWaits(bounds throttle.Bounds[int]) throttle.Signal {
	sig := serverhealth.Number("lock-waits", bounds, throttle.Bounds[int]{Slow: 1, Stop: 5}, throttle.Normal, func(ctx context.Context) (waiting int, err error) {
		return waiting, s.ask(ctx, func(ctx context.Context) error {
			return s.db.QueryRowContext(ctx, `
				WITH RECURSIVE ours AS MATERIALIZED (`+ours+`),
				waiting AS MATERIALIZED (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid NOT IN (SELECT pid FROM ours)),
				blocked AS MATERIALIZED (SELECT pid, unnest(pg_blocking_pids(pid)) AS blocker FROM waiting),
				held_up AS (SELECT pid FROM ours UNION SELECT b.pid FROM blocked AS b JOIN held_up AS h ON b.blocker = h.pid)
				SELECT count(*) FROM held_up WHERE pid NOT IN (SELECT pid FROM ours)`).Scan(&waiting)
		})
	})
	sig.Every = 500 * time.Millisecond
	return sig
}
