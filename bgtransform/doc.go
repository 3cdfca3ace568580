// Package bgtransform runs long data transformations (backfills) inside the
// application that needs them: in batches, throttled, off-peak, stoppable and
// resumable, by one instance of the pool at a time, and provably to the end.
//
// # How it is used
//
// A transform is a value: [Rows] for Go code that is given one row at a time
// (or several), [SQL] for what one SQL expression can do, and [Transform] for
// anything else. A [Scheduler] takes the app's transforms at start and runs
// them until the app stops. Operators steer them with a [Control], from within
// the app or from another process, and read a [Status] that always says why
// something does not advance. [Scheduler.Finish] runs what is left of one now, in the
// foreground; the package gate says whether the old column may go.
//
// # How a run lives
//
// A run walks the table by its primary key, a range of keys at a time:
//
//	throttle → read the range → user code (no transaction is open)
//	         → one transaction { fence, checkpoint, rows, quarantine } → measure
//
// Its states are those of [State]:
//
//	pending ──> running <──> waiting     outside its window, backing off, quarantine, stopped
//	               │ │
//	               │ └─────> paused, cancelled   an operator's wish
//	               ├───────> failed              a human is needed: retry or restart
//	               └───────> complete            a whole pass has found nothing pending
//
//	complete, paused, failed, cancelled ──> reverting ──> reverted
//
// When a pass has found pending rows, another one follows: rows that the app
// inserted behind the cursor, or changed between our read and our write, are
// found by it. Only a pass that finds none, with an empty quarantine, completes
// the transform, and only if it began after every transaction had ended that had
// written to the table by the end of the pass before: what they wrote is in no pass
// until they commit. Who only reads holds up nothing, and a first pass that meets a
// long transaction goes to work all the same (see [WriterLister]).
//
// A transform with Options.Journal can be reverted ([Control.Revert]), halfway or
// complete: the same runner walks its journal from the newest entry to the oldest,
// and writes back what each row held. A reverting transform waits, is paused and
// fails as a running one does; restarted, it finds its rows pending again.
//
// # Health signals
//
// Config.Signals, and Options.Signals for one transform, are watched while an
// instance runs it, and by nobody else: replica lag, sessions that wait for our
// locks, a vacuum of the table, or any number of the app. The packages
// adapters/postgreshealth, adapters/mysqlhealth and throttle have them. A signal
// makes batches fewer and smaller, holds the next one back, or cancels the one that
// is under way, which is rolled back and done again later; the status says which and
// why, the attempt goes on when it has passed.
//
// # The pool
//
// While a column moves, instances of several versions of the app write the same table. A
// transform of such a move (see [DualWriter], and Options.DualWritten) starts when every
// live instance writes both columns and has for a while, holds when one comes back that
// does not, and walks all rows once more when that one has gone; if it was complete, it is
// so no longer. The phases of the columns move step by step, as far as the other
// instances allow (see [Scheduler.Phases]). The package fleet says how the pool judges.
//
// # What is guaranteed
//
//   - One writer: of all attempts at a transform, only the newest can commit.
//     The lease (Config.Locker) saves work; the fence, a number in the database
//     that every transaction checks first, gives safety, even if the lease's
//     server forgets everything or a process sleeps for hours and wakes up.
//   - Exactly once in effect: rows, cursor, counters and quarantine commit in one
//     transaction. A process may be killed at any line.
//   - No lost update: a row is written only if what was read of it still stands,
//     to the byte, and it is still pending.
//   - Bounded: a statement touches one range of keys, whatever the table's size.
//   - The app first: nothing in here crashes, blocks or delays the app's boot or
//     its shutdown, and a panic in user code costs a row, or that transform.
//
// # What is not
//
//   - User code may run more than once for a row: its process may die before the
//     commit. What it does outside of the database is its own affair.
//   - Rows are not locked between read and write. A row that the app changes all
//     the time is left to a later pass each time.
//   - A hung goroutine cannot be stopped in Go. It is left behind, and counted.
//   - A row that is made pending behind the cursor while the last pass goes on is
//     found by a verification, or by the next run: from the first batch on, the app
//     must write both columns. The same goes for what PostgreSQL's ATTACH PARTITION
//     brings in, for a pending condition that looks at other tables, and, on
//     MariaDB and MySQL, for a session that is at home in another database than the
//     table and the app.
//   - MariaDB and MySQL show open transactions to users with the right PROCESS, and
//     not which tables they have written to, so any of the same database counts.
//     Without the right, each pass but the first waits for ten seconds instead, and a
//     transaction that takes longer can be missed.
//   - The estimate of what remains is an estimate: it is made from the key's
//     range, without counting the table.
//
// # Goroutines
//
// [Scheduler.Run] owns all goroutines: one for each transform, one that polls
// for operators, one that looks at the pool, one that makes the tables at start, and those of the lease's
// keeper; while a transform runs, one for each health signal. It waits for all of
// them. User code, observers and signals run in goroutines of their own, so that code that hangs is left behind and holds up nothing else.
package bgtransform
