package mysqlhealth

import (
	"cmp"
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// ReplicaLag is by how much the server, a replica, is behind, as it says itself, in
// whole seconds. With several replicas, give each signal a Name of its own. Zero
// bounds mean the defaults: slow above 1 s, stop above 5 s.
//
// A replica whose replication has stopped does not know how far it is behind, nor
// does one that cannot reach its primary once it has noticed. It needs the right REPLICA
// MONITOR, on MySQL and older versions REPLICATION CLIENT. While it is unknown, it
// asks to stop.
func (s *Server) ReplicaLag(bounds throttle.Bounds[time.Duration]) throttle.Signal {
	defaults := throttle.Bounds[time.Duration]{Slow: time.Second, Stop: 5 * time.Second}
	return serverhealth.Number("replica-lag", bounds, defaults, throttle.Stop, func(ctx context.Context) (lag time.Duration, err error) {
		return lag, s.ask(ctx, "REPLICA MONITOR (MariaDB) or REPLICATION CLIENT (MySQL)", func(ctx context.Context) error {
			status, err := s.replicaStatus(ctx)
			if err != nil {
				return err
			}
			lag, err = lagOf(status)
			return err
		})
	})
}

// replicaStatus returns what a replica says, by the names of the columns in small
// letters, of which some were renamed: see [renamed].
func (s *Server) replicaStatus(ctx context.Context) (map[string]sql.NullString, error) {
	status, err := s.show(ctx, "SHOW REPLICA STATUS")
	if err != nil && strings.HasPrefix(err.Error(), "Error 1064 ") { // an older version does not know the word
		status, err = s.show(ctx, "SHOW SLAVE STATUS")
	}
	return status, err
}

// show returns the first row of a statement; nil if there is none.
func (s *Server) show(ctx context.Context, statement string) (map[string]sql.NullString, error) {
	rows, err := s.db.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	if !rows.Next() {
		return nil, rows.Err()
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	status := make(map[string]sql.NullString, len(names))
	for i, name := range names {
		status[strings.ToLower(name)] = values[i]
	}
	return status, rows.Err()
}

// lagOf returns the lag that a replica tells.
func lagOf(status map[string]sql.NullString) (time.Duration, error) {
	if status == nil {
		return 0, &throttle.UnreadableError{Text: "it is not a replica"}
	}
	behind := renamed(status, "seconds_behind_source", "seconds_behind_master")
	seconds, err := strconv.ParseInt(behind, 10, 64)
	if err != nil {
		return 0, &throttle.UnreadableError{Text: "its replication is stopped or broken: receiver " +
			cmp.Or(renamed(status, "replica_io_running", "slave_io_running"), "unknown") + ", applier " +
			cmp.Or(renamed(status, "replica_sql_running", "slave_sql_running"), "unknown"), Err: err}
	}
	return time.Duration(seconds) * time.Second, nil
}

// renamed returns the value of the column that there is; empty for NULL.
func renamed(status map[string]sql.NullString, names ...string) string {
	for _, name := range names {
		if value, ok := status[name]; ok {
			return value.String
		}
	}
	return ""
}
