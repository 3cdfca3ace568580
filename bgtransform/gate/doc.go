// Package gate answers the last question of a column's move: may we contract?
//
// [Require] weighs the evidence before the old column is dropped, and returns nil, or
// a [Refusal] that names each missing piece and the command that supplies it:
//
//	err := gate.Require(ctx, db, "track-length-ms", gate.Transforms(lengthToMS))
//
// # What it weighs
//
//   - The transform is complete: a whole pass has found nothing pending. One that has
//     never run, as in a fresh installation, is complete if the data says so, which
//     [Data] or [Transforms] make it look at.
//   - Its quarantine is empty, or an operator has accepted what is in it.
//   - It was verified since (bgtransform.Control.Verify), because what a wrong
//     value was made of is gone with the old column. About what the Go code and the
//     SQL of a move disagree, the refusal says. [Unverified] does without.
//   - No instance that is alive is in a phase that reads the old column, or is of a
//     version that does not know the move (package fleet). The refusal says what
//     brings reads on: mostly the pool, by itself. [NoOldWrites] asks that none
//     writes it either. None of such a version was there since the walk over all
//     rows that found nothing left, unless what it wrote was looked for.
//   - For a day ([Quiet]) no instance has counted a read that fell back to the old
//     column, found nothing in the new one, or found that the two differ.
//     [WithoutColumn] is for a transform that has no column on the move.
//
// A refusal is not an error of the gate: where the evidence cannot be read, because
// the database is away or its tables are of another version, the error is another
// one, and the answer is neither yes nor no. So it is for a name that nobody knows,
// where people type names ([Known]).
//
// # Where it is asked
//
// In Go code by [Require], before a migration of bun by the package
// adapters/bunmigrate, at a readiness probe by [Check], in a pipeline by a command of
// the app, which the package adapters/cobracli has.
//
// # What it does not see
//
//   - Reads in SQL (dualread.Column.Expr) are not counted.
//   - What an instance counted since it last wrote it down: a minute by default.
//   - Who reads the old column without this library: reports, other services.
package gate
