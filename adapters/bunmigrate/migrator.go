package bunmigrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// Contract is a migration that takes away what a transform has moved.
type Contract struct {
	// Migration is its name, "20261201000000", or that with its comment, as the file
	// is called: "20261201000000_drop_length". Required.
	Migration string

	// Transforms must all be through before it. At least one.
	Transforms []string

	// Options say what the gate weighs. May be nil.
	Options []gate.Option
}

// Migrator is a migrator of bun whose Migrate and RunMigration ask the gate before a
// migration that contracts. Everything else is bun's. It is not for concurrent use.
type Migrator struct {
	*migrate.Migrator

	migrations *migrate.Migrations
	contracts  map[string]Contract // by the names of migrations
	opts       []migrate.MigratorOption
}

// New returns a migrator. It does no I/O. The error names each contract whose
// migration is not among migrations: a misspelt one would guard nothing.
func New(db *bun.DB, migrations *migrate.Migrations, contracts []Contract, opts ...migrate.MigratorOption) (*Migrator, error) {
	opts = append([]migrate.MigratorOption{migrate.WithMarkAppliedOnSuccess(true)}, opts...)
	m := &Migrator{
		Migrator: migrate.NewMigrator(db, migrations, opts...), migrations: migrations,
		contracts: map[string]Contract{}, opts: opts,
	}
	var errs []error
	for _, c := range contracts {
		errs = append(errs, m.add(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("bunmigrate: %w", err)
	}
	return m, nil
}

func (m *Migrator) add(c Contract) error {
	all := m.migrations.Sorted()
	i := slices.IndexFunc(all, func(mg migrate.Migration) bool { return c.Migration == mg.Name || c.Migration == mg.String() })
	if i < 0 {
		return fmt.Errorf("there is no migration %q", c.Migration)
	}
	name := all[i].Name
	if _, taken := m.contracts[name]; taken {
		return fmt.Errorf("migration %q has two contracts; name all its transforms in one", c.Migration)
	}
	if len(c.Transforms) == 0 {
		return fmt.Errorf("the contract of migration %q names no transform", c.Migration)
	}
	m.contracts[name] = c
	return nil
}

// Migrate runs the migrations that are not applied, in order, up to one that the gate
// refuses. The group holds all that it has begun to run; its number is that of the
// last of them.
func (m *Migrator) Migrate(ctx context.Context, opts ...migrate.MigrationOption) (*migrate.MigrationGroup, error) {
	all, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return new(migrate.MigrationGroup), fmt.Errorf("bunmigrate: read which migrations are applied: %w", err)
	}
	run := new(migrate.MigrationGroup)
	for i, mg := range all {
		c, contracts := m.contracts[mg.Name]
		if !contracts || mg.IsApplied() {
			continue
		}
		if err := m.upTo(ctx, i, run, opts); err != nil {
			return run, err
		}
		if err := m.ask(ctx, mg.Name, c); err != nil {
			return run, err
		}
	}
	return run, m.upTo(ctx, len(all), run, opts)
}

// upTo runs what is not applied of the first n migrations, and adds it to run.
func (m *Migrator) upTo(ctx context.Context, n int, run *migrate.MigrationGroup, opts []migrate.MigrationOption) error {
	if n == 0 && len(m.contracts) > 0 {
		return nil // bun takes no migrations for a mistake
	}
	first := migrate.NewMigrations()
	for _, mg := range m.migrations.Sorted()[:n] {
		first.Add(mg)
	}
	group, err := migrate.NewMigrator(m.DB(), first, m.opts...).Migrate(ctx, opts...)
	if !group.IsZero() {
		run.ID = group.ID
		run.Migrations = append(run.Migrations, group.Migrations...)
	}
	return err
}

// RunMigration runs one migration, as bun does, once the gate lets it.
func (m *Migrator) RunMigration(ctx context.Context, name string, opts ...migrate.MigrationOption) error {
	if c, contracts := m.contracts[name]; contracts {
		if err := m.ask(ctx, name, c); err != nil {
			return err
		}
	}
	return m.Migrator.RunMigration(ctx, name, opts...)
}

func (m *Migrator) ask(ctx context.Context, name string, c Contract) error {
	if err := gate.RequireAll(ctx, m.DB(), c.Transforms, c.Options...); err != nil {
		return fmt.Errorf("bunmigrate: migration %s was not begun: %w", name, err)
	}
	return nil
}
