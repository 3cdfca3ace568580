// Package dualread carries the request path of a service through the move of a
// column: say from track.length in seconds to track.length_ms.
//
// One [Move] says how the value is read from and written to either column, and
// [New] makes a [Column] of it, which the service uses wherever it used the
// old column:
//
//   - [Column.Read] gives the value of a row that was loaded, [Column.ReadAll] those of
//     many;
//   - [Column.Expr] is the same value in SQL, for lists, filters and sorting;
//   - [Column.Write] and [Column.Columns] write both columns, in one statement, and
//     [Column.Set] does without a model;
//   - [Move.BeforeInsert] and [Move.BeforeUpdate], called by two methods of the model,
//     see to it that no insert or update through it forgets a column;
//   - [Comparison] says how both are compared in [PhaseCompare];
//   - [Column.SetPhase] chooses the column that is read, while the service runs;
//   - [Column.Stats] counts the rows that the new column could not answer for.
//
// The value may go to several columns ([Move].NewColumns), or to another table
// ([Move].NewRelation), which [Column.SaveNew] writes.
//
// # Phases
//
// A column moves from left to right, and may go back at any time:
//
//	old ───────► fallback ───────► compare ───────► new
//	old column   new column, and   as fallback,     new column
//	only         old where null    both compared    only
//
//	             fallbacks         fallbacks,       missing    counted
//	                               mismatches
//
// Both columns are written in every phase, so that no change of phase, in
// either direction, loses a write. A phase belongs to one instance of the
// service: during a roll-out instances may differ, by one step (see [Adjacent]).
//
// Stay in [PhaseFallback], which is the default, until the old rows have been
// moved and Stats().Fallbacks no longer grows in any instance. [PhaseCompare]
// shows, on real reads, that the new column holds what the old one does. [PhaseNew]
// rehearses the contract: it reads as the service will once the old column is
// gone. When Stats().Missing does not grow there, the old column may be dropped.
//
// # Writes that go around it
//
// An instance of an older version, a script or a trigger which writes only the old
// column leaves a stale value in the new one; no phase but old hides that, and the
// new column is not null. With Backward in the definition the transform made of it
// (bgtransform.Move, in the engine) finds such rows and moves them again.
// The old value is taken for the later one. So nobody may write the new column alone
// while that transform may run.
//
// Read and Expr answer for one instant: a request that reads in Go and in SQL
// while the phase changes may use the one column here and the other there.
package dualread
