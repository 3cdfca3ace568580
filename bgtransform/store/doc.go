// Package store keeps everything that bgtransform remembers, in tables of the
// app's own database, and holds every statement on them.
//
//	bgtransform_transforms   what is: state, reason, last error        written by the holder only
//	bgtransform_intents      what operators want                       written by operators only
//	bgtransform_ranges       attempt (the fence), cursor, counters     written by the holder, in each batch's transaction
//	bgtransform_quarantine   rows that could not be transformed        both, row by row
//	bgtransform_journal      rows before and after they were changed    written by the holder, in each batch's transaction; dropped by operators
//	bgtransform_actions      who did what, and when                    appended
//	bgtransform_signs        why an instance does not advance it       each instance
//	bgtransform_leases       the lease, when it lives in the database  the lease's holder
//
// Intent and state are rows of their own, so that an operator never waits for
// a batch and a batch never for an operator.
//
// A transform has ranges of keys; today each has one, number 0. Cursor,
// attempt and counters belong to the range, so that several instances can
// share a table later without new tables.
//
// Times are Unix milliseconds. Those that decide something, of leases and signs
// of life, are by the database server's clock, so that the clocks of the app's
// instances need not agree; those of a run's end and of errors are the holder's.
//
// The engine uses this package; an app needs [Create] at most, to make the
// tables in a migration of its own, and [NewLease] to name the database lease.
package store
