// Package contract changes the schema of a busy table in the last step of a column
// move, once the rows have been moved: the new column becomes NOT NULL, gets its
// index and its check, and the old one goes.
//
//	err := contract.Relax(ctx, db, "tracks", "length")       // before a release that no longer writes it
//	err = contract.NotNull(ctx, db, "tracks", "length_ms")   // after its transform is complete
//	err = contract.CreateIndex(ctx, db, contract.Index{Table: "tracks", Columns: []string{"length_ms"}})
//	err = contract.DropColumn(ctx, db, "tracks", "length")   // when no release reads it
//
// They are for Go migrations of bun and for scripts. They take a [bun.DB] and not a
// transaction, for most of what they do works outside of transactions only: an
// index that is built while the app writes, a validation without a lock, a retry. For the
// same reason SQL migrations in a transaction (.tx.up.sql) can do none of it. Migrate with
// WithMarkAppliedOnSuccess, or bun takes a migration for done that has failed.
//
// # What they promise
//
//   - The app goes on. A statement that needs the table to itself waits for it for
//     [LockTimeout], gives way to whoever queues up behind it, and tries again
//     later. What takes long works beside the app's reads and writes. What the
//     server can do in no other way than by keeping the app out is refused, with the reason.
//   - Each can be called again, at any time: after an error, after a crash between
//     or during its statements, by two instances at once. What is done is left
//     alone, what was left half-way is gone on with or rebuilt.
//   - Rows that stand against it are an error ([ErrRows]), which is found before
//     anything is changed.
//   - The end of the context ends it, on the server too.
//   - No value of a row stands in an error or in the log.
//
// A connection that an operator kills is not replaced: the call returns the error,
// for whoever kills it wants it to stop.
//
// # What each database does
//
// PostgreSQL (12 or later): NOT NULL is a check that is added as NOT VALID, validated
// beside the app, and then taken as the proof that SET NOT NULL needs, so that it
// scans nothing. Indexes are built and dropped CONCURRENTLY; an invalid one that a crash
// left behind is dropped and built anew. These wait for all transactions that are
// older, whatever they do; that holds up nobody, and has no limit but the context.
//
// MariaDB and MySQL: online DDL, with the algorithm and LOCK=NONE spelled out, so that
// the server refuses ([ErrRefused]) instead of copying the table under a lock. NOT NULL rebuilds
// the table beside the app, and keeps all else of the column's definition. At its end it needs the table
// to itself for a moment; if it does not get it in time, it has to begin again. Replicas apply
// it when it is done, for as long as it took. A check needs a server that copies with LOCK=NONE
// (MariaDB from 11.2 on, where it has not been tried).
//
// SQLite: all of it takes the write lock for as long as it takes, for it has one writer.
// NOT NULL and checks need a version whose ALTER TABLE knows them (3.54 does).
package contract
