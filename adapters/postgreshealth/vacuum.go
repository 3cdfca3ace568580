package postgreshealth

import (
	"context"
	"database/sql"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Vacuum says whether a vacuum of a table is under way, automatic or not: it has to
// remove what a transform leaves, and reads the whole table to do so. The table is
// named as in a query, with its schema if need be; its partitions count too. During
// one, the signal asks for level; zero means [throttle.Slow]. It asks to stop at least
// while that vacuum is one to prevent wraparound, which does not give way to
// anybody.
//
// It belongs into Options.Signals of the table's transform. It needs the role
// pg_monitor. While it is unknown, it asks for nothing.
func (s *Server) Vacuum(table string, level throttle.Level) throttle.Signal {
	if level == throttle.Normal {
		level = throttle.Slow
	}
	return throttle.Signal{Name: "vacuum", Read: func(ctx context.Context) (throttle.Reading, error) {
		var phase sql.NullString
		var urgent sql.NullBool
		err := s.ask(ctx, func(ctx context.Context) error {
			var all, there bool
			err := s.db.QueryRowContext(ctx, `
				SELECT `+seesAll+`, to_regclass($1) IS NOT NULL, max(v.phase), bool_or(a.query LIKE '%(to prevent wraparound)%')
				FROM pg_stat_progress_vacuum AS v LEFT JOIN pg_stat_activity AS a ON a.pid = v.pid
				WHERE v.datname = current_database()
				AND (v.relid = to_regclass($1) OR v.relid IN (SELECT relid FROM pg_partition_tree(to_regclass($1))))`, table).Scan(&all, &there, &phase, &urgent)
			switch {
			case err != nil:
				return err
			case !all:
				return unseen("pg_stat_progress_vacuum")
			case !there:
				return &throttle.UnreadableError{Text: "table " + table + " does not exist"}
			}
			return nil
		})
		switch {
		case err != nil || !phase.Valid:
			return throttle.Reading{}, err
		case urgent.Bool:
			return throttle.Reading{Level: max(level, throttle.Stop), Reason: "vacuum of " + table + " to prevent wraparound, " + phase.String}, nil
		default:
			return throttle.Reading{Level: level, Reason: "vacuum of " + table + ", " + phase.String}, nil
		}
	}}
}
