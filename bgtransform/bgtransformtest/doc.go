// Package bgtransformtest tests data transforms in an app's unit tests: it
// runs one to its end on SQLite in memory, kills it at every commit, runs it
// again, and lets the app write into the middle of it.
//
//	func TestTrackLength(t *testing.T) {
//		tracks := bgtransformtest.Rows(
//			Track{ID: 1, Length: 200},
//			Track{ID: 2, Length: 0},
//		)
//		db := bgtransformtest.Run(t, tracks, lengthMS)      // complete, or the test fails and says why
//		bgtransformtest.KillEverywhere(t, tracks, lengthMS) // every crash ends as if there had been none
//		bgtransformtest.Idempotent(t, tracks, lengthMS)     // another run changes nothing
//		bgtransformtest.ConcurrentWriter(t, tracks, lengthMS, editTracks)
//		bgtransformtest.Verified(t, tracks, lengthMS, spoilTracks) // what spoilTracks makes wrong is found and repaired
//		// … look into db for what the transform was to do
//	}
//
// Each call has databases of its own, and when it returns, its schedulers have
// stopped and no goroutine of theirs is left. Failures say what was done to
// the transform, and which table, row and column differ.
//
// # What runs
//
// It is the real engine, with every guarantee on, hurried along: batches of
// three keys (so that a few rows make many commits), no pacing, and a lease
// that every instance is granted at once, because the fence in the database is
// what keeps a transform safe. The transform's own window, limits,
// dependencies and Disabled are left out of account, and so are environment
// flags; [WithConfig] brings in what a test is about.
//
// [KillEverywhere] and [ConcurrentWriter] make many runs, each with its own
// copy of the data, whose waits overlap. They take turns in the transform's
// code, so it needs no more locking in a test than in the app. Go values that
// it holds on to, such as a fake of somebody's API, are shared by all of them.
//
// # What a kill is
//
// A process that dies leaves its database as one of its commits left it. So it
// suffices to kill it right after each commit: wherever else it dies, the next
// one finds the same. Where the transform's own code had a part in a commit,
// it is also killed just before, and made to live on without knowing that the
// commit took effect. A killed process is refused every further statement and
// commit, whatever its goroutines still try, and another instance begins with
// what is in the database.
//
// A handful of rows takes a fraction of a second. The race detector slows this
// SQLite, which is Go code, down tenfold and more: give it few rows.
//
// # What it cannot show
//
// The database is SQLite, and forgives types that PostgreSQL refuses; SQL that
// only PostgreSQL knows fails. While one connection has a transaction open
// that writes, no other can read. A transform whose result depends on the
// time or on chance gives another outcome in every run: leave such columns
// out with [WithoutColumns]. What user code does elsewhere than in this
// database, such as a call to an API, is repeated after a crash, and nothing
// here notices.
package bgtransformtest
