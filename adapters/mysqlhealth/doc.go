// Package mysqlhealth has the health signals of a MariaDB or MySQL server, for
// bgtransform.Config.Signals: what makes background batches give way to the app.
//
//	cfg.Signals = []throttle.Signal{
//		mysqlhealth.New(replica).ReplicaLag(throttle.Bounds[time.Duration]{}), // the defaults
//		mysqlhealth.New(db.DB).ThreadsRunning(throttle.Bounds[int]{Slow: 25, Stop: 50}),
//	}
//
// The signals of one [Server] are read one at a time, each with one small query.
// Their fields, such as Every and Unknown, may be changed before they are used.
//
//	signal          source                                        needs                                              unknown
//	ReplicaLag      SHOW REPLICA STATUS, asked of the replica     REPLICA MONITOR, or REPLICATION CLIENT on MySQL    stop
//	ThreadsRunning  SHOW GLOBAL STATUS                                                                               slow
//	HistoryList     information_schema.innodb_metrics             PROCESS                                            slow
//
// Where the database user lacks a right, the signal says so, and asks for what
// stands under unknown.
package mysqlhealth
