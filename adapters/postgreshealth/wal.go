package postgreshealth

import (
	"context"
	"database/sql"
	"time"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// ArchiveBacklog is the number of files of the log of transactions, of 16 MiB each
// unless the server is set up otherwise, that wait to be archived; looked at every
// ten seconds. An archive that fails shows as a backlog that grows. Zero bounds
// mean the defaults: slow above 20, stop above 100.
//
// It needs the role pg_monitor. While it is unknown, it asks to go slow.
func (s *Server) ArchiveBacklog(bounds throttle.Bounds[int]) throttle.Signal {
	sig := serverhealth.Number("archive-backlog", bounds, throttle.Bounds[int]{Slow: 20, Stop: 100}, throttle.Slow, func(ctx context.Context) (files int, err error) {
		return files, s.ask(ctx, func(ctx context.Context) error {
			return s.db.QueryRowContext(ctx, "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'").Scan(&files)
		})
	})
	sig.Every = 10 * time.Second
	return sig
}

// RetainedWAL is how much of the log of transactions the server has to keep for
// the replication slot that is furthest behind, be it of a replica, of a subscriber
// or forgotten; looked at every ten seconds. Zero bounds mean the defaults: slow
// above 2 GiB, stop above 10 GiB.
//
// It needs no special rights. While it is unknown, it asks to go slow.
func (s *Server) RetainedWAL(bounds throttle.Bounds[throttle.Bytes]) throttle.Signal {
	sig := serverhealth.Number("retained-wal", bounds, throttle.Bounds[throttle.Bytes]{Slow: 2 << 30, Stop: 10 << 30}, throttle.Slow, func(ctx context.Context) (throttle.Bytes, error) {
		var bytes sql.NullInt64
		err := s.ask(ctx, func(ctx context.Context) error {
			return s.db.QueryRowContext(ctx, "SELECT max(pg_current_wal_lsn() - restart_lsn)::bigint FROM pg_replication_slots").Scan(&bytes)
		})
		return throttle.Bytes(bytes.Int64), err
	})
	sig.Every = 10 * time.Second
	return sig
}
