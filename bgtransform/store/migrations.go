package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun/migrate"
)

// Migrations returns the migrations of this package's tables, for teams whose
// services may not change the schema themselves. Apply them by a migrator of
// their own, with a user who may:
//
//	migrate.NewMigrator(db, store.Migrations(), migrate.WithTableName("bgtransform_migrations"))
//
// or [migrate.Migrations.Add] each to the app's. They make what [Create] makes,
// which finds nothing left to do then; they may be applied where Create has made
// the tables before. Later versions of this package add migrations at the end.
// Rolling back drops the tables, and with them how far every transform has come.
func Migrations() *migrate.Migrations {
	ms := migrate.NewMigrations()
	create := func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error { return Create(ctx, m.DB()) }
	ms.Add(migrate.Migration{
		Name: "20261125000000", Comment: "bgtransform_tables", Up: create,
		Down: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
			for _, model := range models() {
				if _, err := m.DB().NewDropTable().Model(model).IfExists().Exec(ctx); err != nil {
					return fmt.Errorf("drop table of %T: %w", model, err)
				}
			}
			return nil
		},
	})
	ms.Add(migrate.Migration{ // columns for the settings that operators change
		Name: "20261126000000", Comment: "bgtransform_settings", Up: create,
		Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil }, // in nobody's way
	})
	ms.Add(migrate.Migration{ // the counts of dual reads
		Name: "20261127000100", Comment: "bgtransform_reads", Up: create,
		Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil },
	})
	ms.Add(migrate.Migration{ // the members of pools
		Name: "20261127010000", Comment: "bgtransform_members", Up: create,
		Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil },
	})
	ms.Add(migrate.Migration{ // columns for who finishes a transform in the foreground
		Name: "20261127020000", Comment: "bgtransform_finish", Up: create,
		Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil },
	})
	ms.Add(migrate.Migration{ // columns for when a transform last came forward
		Name: "20261127080000", Comment: "bgtransform_advanced", Up: create,
		Down: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return nil },
	})
	return ms
}
