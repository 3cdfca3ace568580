package postgreshealth

import (
	"context"

	"github.com/bgtransform/sidecar/adapters/internal/serverhealth"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// ActiveSessions is the number of clients that the server works for at the moment,
// in all its databases, without transforms and this look itself. Zero bounds mean
// the defaults, slow above 32 and stop above 64; about two and four for each
// processor of the server are better.
//
// It needs the role pg_monitor. While it is unknown, it asks to go slow.
func (s *Server) ActiveSessions(bounds throttle.Bounds[int]) throttle.Signal {
	return serverhealth.Number("active-sessions", bounds, throttle.Bounds[int]{Slow: 32, Stop: 64}, throttle.Slow, func(ctx context.Context) (active int, err error) {
		return active, s.ask(ctx, func(ctx context.Context) error {
			var all bool
			err := s.db.QueryRowContext(ctx, `
				SELECT `+seesAll+`, count(*) FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid() AND pid NOT IN (`+ours+`)`).Scan(&all, &active)
			if err == nil && !all {
				err = unseen("pg_stat_activity")
			}
			return err
		})
	})
}
