// Package bunmigrate runs the migrations of bun/migrate, and those that contract only
// when the gate lets them (see package gate):
//
//	m, err := bunmigrate.New(db, migrations, []bunmigrate.Contract{
//		{Migration: "20261201000000_drop_length", Transforms: []string{"track-length-ms"}},
//	})
//	group, err := m.Migrate(ctx) // wraps a *gate.Refusal when it may not go on
//
// The gate is asked before the migration is marked and before any of it runs, and
// after all that come before it have been applied: so a fresh installation, where the
// same call makes the tables, passes. After a refusal the migrations before it stay
// applied, it and those that follow are left for the next call, and nothing is half
// done, also if the process is killed at that moment.
//
// # Differences to bun's own migrator
//
//   - A migration that contracts begins a group of its own, so a rollback takes it back
//     without what was applied before it by the same call.
//   - A migration is marked once it has succeeded, so that one which fails, for a lock that
//     it did not get in time, is tried again. bun's default is to mark it before. Where
//     that is wanted, give migrate.WithMarkAppliedOnSuccess(false).
//
// As with bun, two processes must not migrate at once: call Lock before and Unlock after.
// Rollback and what is applied with a migrator of bun's own ask no gate.
package bunmigrate
