// Package testserver starts real servers for tests: PostgreSQL, MariaDB and Redis,
// the latter also as a Cluster and under Sentinels. They are private: a test may
// kill, freeze and restart them, and cut their clients off with a [Proxy].
//
//	pg := testserver.StartPostgres(t)
//	proxy := testserver.StartProxy(t, pg.Addr())
//	…
//	pg.Kill()
//	pg.Start()
//
// It uses the programs that the machine has. If one is missing, the test is
// skipped, but fails where CI=true. TEST_SERVERS=none hides all of them, to see what
// a machine with nothing but Go sees.
//
// # Shared or not
//
// SharedPostgres, SharedMariaDB and SharedRedis start one server for all tests of a
// process, at the first request; TestMain has to call [Main], which ends them. Each
// test takes a database of its own of them. They are made for speed, and do not
// wait for the disk. What would disturb other tests fails the test.
//
// StartPostgres and its like start a server for one test, which ends with it. It
// keeps its promises: what it has committed survives [Server.Kill].
// [StartPostgresReplica] and [StartMariaDBReplica] start one that follows another.
//
// StartPostgresBy and its like start one that goes by a [Clock], which can jump.
//
// # What is left behind
//
// Nothing. Servers end with their test or with Main. If the test process is killed,
// or gives up after its timeout, the kernel ends them (on Linux), and a shell that
// notices the end of a pipe removes the directories.
package testserver
