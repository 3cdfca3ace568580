package mysqlhealth

import (
	"context"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// ThreadsRunning is the number of sessions that the server works for, or that wait
// for a lock, without this look itself. Zero bounds mean the defaults: slow above 25,
// stop above 50; about two and four for each processor of the server are better.
//
// It needs no special rights. While it is unknown, it asks to go slow.
func (s *Server) ThreadsRunning(bounds throttle.Bounds[int]) throttle.Signal {
	return serverhealth.Number("threads-running", bounds, throttle.Bounds[int]{Slow: 25, Stop: 50}, throttle.Slow, func(ctx context.Context) (running int, err error) {
		return running, s.ask(ctx, "USAGE", func(ctx context.Context) error {
			var name string
			err := s.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_running'").Scan(&name, &running)
			running = max(0, running-1)
			return err
		})
	})
}

// HistoryList is the length of InnoDB's history list: how many transactions have
// left old versions of rows that nobody could remove yet, because of a reader that
// is in a transaction for long, or for lack of time. Zero bounds mean the defaults:
// slow above 100,000, stop above 1,000,000.
//
// It needs the right PROCESS. While it is unknown, it asks to go slow.
func (s *Server) HistoryList(bounds throttle.Bounds[int]) throttle.Signal {
	return serverhealth.Number("history-list", bounds, throttle.Bounds[int]{Slow: 100_000, Stop: 1_000_000}, throttle.Slow, func(ctx context.Context) (length int, err error) {
		return length, s.ask(ctx, "PROCESS", func(ctx context.Context) error {
			return s.db.QueryRowContext(ctx, "SELECT `COUNT` FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'").Scan(&length)
		})
	})
}
