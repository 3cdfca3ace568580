// Package dbfaulttest holds tests of the engine on real databases that fail:
// killed servers, cut and stalled connections, locks, full disks, writers of the
// app's own, rows that cannot be transformed. It has no other code.
//
// Every write to the table that is transformed leaves a line in an audit, made by a
// trigger in the same transaction, so that what was done twice, or to a row that
// had moved on, is seen afterwards, whatever the engine believes.
package dbfaulttest
