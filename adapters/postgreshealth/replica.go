package postgreshealth

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func defaultLag() throttle.Bounds[time.Duration] {
	return throttle.Bounds[time.Duration]{Slow: 500 * time.Millisecond, Stop: 2 * time.Second}
}

// ReplicaLag is how long the slowest replica has not replayed what the primary has
// written. The server is the primary, and is asked what it knows of its replicas;
// only those with the given application names count, or all that stream the log of
// transactions if there are none. A name that is not connected makes the lag
// unknown; without names, no replica means no lag. Zero bounds mean the defaults:
// slow above 500 ms, stop above 2 s.
//
// It needs the role pg_monitor. While it is unknown, it asks to stop.
func (s *Server) ReplicaLag(bounds throttle.Bounds[time.Duration], names ...string) throttle.Signal {
	var t trail
	return serverhealth.Number("replica-lag", bounds, defaultLag(), throttle.Stop, func(ctx context.Context) (time.Duration, error) {
		var replicas []replica
		var end int64
		err := s.ask(ctx, func(ctx context.Context) (err error) {
			end, replicas, err = s.replicas(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		now := time.Now()
		t.note(end, now)
		return slowest(replicas, names, end, func(replayed int64) time.Duration { return t.behind(replayed, now) })
	})
}

// replica is what a primary knows of one.
type replica struct {
	name     string
	replayed int64
	lag      time.Duration // as the replica has said last; it may be old
}

func slowest(replicas []replica, names []string, end int64, behind func(int64) time.Duration) (lag time.Duration, err error) {
	for _, name := range names {
		if !slices.ContainsFunc(replicas, func(r replica) bool { return r.name == name }) {
			return 0, &throttle.UnreadableError{Text: fmt.Sprintf("replica %q is not connected", name)}
		}
	}
	for _, r := range replicas {
		if len(names) > 0 && !slices.Contains(names, r.name) || r.replayed >= end {
			continue
		}
		lag = max(lag, behind(r.replayed), r.lag)
	}
	return lag, nil
}

// replicas returns the end of the primary's log, and the replicas that follow it.
// Subscribers of logical replication and running backups are none.
func (s *Server) replicas(ctx context.Context) (end int64, found []replica, err error) {
	rows, err := s.db.QueryContext(ctx, `
		SELECT (pg_current_wal_lsn() - '0/0')::bigint, `+seesAll+`, r.application_name,
			(r.replay_lsn - '0/0')::bigint, (1000 * extract(epoch FROM coalesce(r.replay_lag, '0')))::bigint
		FROM (SELECT 1) AS always LEFT JOIN (
			SELECT * FROM pg_stat_replication AS w
			WHERE w.state IS DISTINCT FROM 'backup' AND NOT EXISTS (SELECT 1 FROM pg_replication_slots AS l WHERE l.active_pid = w.pid AND l.slot_type = 'logical')
		) AS r ON true`)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var all bool
		var name sql.NullString
		var replayed, lag sql.NullInt64
		if err := rows.Scan(&end, &all, &name, &replayed, &lag); err != nil {
			return 0, nil, err
		}
		switch {
		case !all:
			return 0, nil, unseen("pg_stat_replication")
		case name.Valid: // one that has replayed nothing yet is at 0
			found = append(found, replica{name.String, replayed.Int64, time.Duration(lag.Int64) * time.Millisecond})
		}
	}
	return end, found, rows.Err()
}

// LagOf is how long a replica that the app has a connection to has not replayed
// what the server, its primary, has written. The signal is called "replica-lag-"
// and the name. It compares positions in the log of transactions: neither an idle
// primary nor clocks that differ look like lag. Zero bounds mean the defaults of
// [Server.ReplicaLag].
//
// It needs no special rights. While it is unknown, it asks to stop.
func (s *Server) LagOf(name string, replica *sql.DB, bounds throttle.Bounds[time.Duration]) throttle.Signal {
	var t trail
	other := New(replica)
	return serverhealth.Number("replica-lag-"+name, bounds, defaultLag(), throttle.Stop, func(ctx context.Context) (time.Duration, error) {
		var end int64
		var follows bool
		var replayed sql.NullInt64
		err := s.ask(ctx, func(ctx context.Context) error {
			return s.db.QueryRowContext(ctx, "SELECT (pg_current_wal_lsn() - '0/0')::bigint").Scan(&end)
		})
		now := time.Now()
		if err == nil {
			err = other.ask(ctx, func(ctx context.Context) error {
				return replica.QueryRowContext(ctx, "SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0')::bigint").Scan(&follows, &replayed)
			})
		}
		if err == nil && !follows {
			err = &throttle.UnreadableError{Text: "it is not a replica"}
		}
		if err != nil {
			return 0, err
		}
		t.note(end, now)
		return t.behind(replayed.Int64, now), nil
	})
}
