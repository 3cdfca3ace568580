// Package postgreshealth has the health signals of a PostgreSQL server, 14 or newer,
// for bgtransform.Config.Signals: what makes background batches give way to the app.
//
//	pg := postgreshealth.New(db.DB)
//	cfg.Signals = []throttle.Signal{
//		pg.ReplicaLag(throttle.Bounds[time.Duration]{}), // the defaults
//		pg.LockWaits(throttle.Bounds[int]{Slow: 1, Stop: 5, Critical: 20}),
//	}
//
// The signals of one [Server] are read one at a time, on the app's pool, each with
// one small query of the server's own views. Their fields, such as Every and
// Unknown, may be changed before they are used.
//
//	signal          source                            needs        unknown
//	ReplicaLag      pg_stat_replication               pg_monitor   stop
//	LagOf           the replica itself                             stop
//	LockWaits       pg_locks, pg_blocking_pids                     normal
//	ArchiveBacklog  pg_ls_archive_statusdir           pg_monitor   slow
//	RetainedWAL     pg_replication_slots                           slow
//	Vacuum          pg_stat_progress_vacuum           pg_monitor   normal
//	ActiveSessions  pg_stat_activity                  pg_monitor   slow
//
// Where the database user lacks a right, the signal says so ("GRANT pg_monitor TO
// …"), and asks for what stands under unknown.
package postgreshealth
