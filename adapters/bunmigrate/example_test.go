package bunmigrate_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/bgtransform/sidecar/adapters/bunmigrate"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// The old column is dropped by a migration that waits for the transform.
func Example() {
	deploy := func(ctx context.Context, db *bun.DB, migrations *migrate.Migrations) error {
		m, err := bunmigrate.New(db, migrations, []bunmigrate.Contract{{
			Migration:  "20261201000000_drop_length",
			Transforms: []string{"track-length-ms"},
			Options:    []gate.Option{gate.Data[Track]("length_ms IS NULL"), gate.Command("myapp transforms")},
		}})
		if err != nil {
			return err
		}
		if err := errors.Join(m.Init(ctx), m.Lock(ctx)); err != nil {
			return err
		}
		defer func() { _ = m.Unlock(ctx) }()
		_, err = m.Migrate(ctx)
		if refusal, ok := errors.AsType[*gate.Refusal](err); ok {
			fmt.Println("deployed all but the contract:", refusal)
			return nil
		}
		return err
	}
	fmt.Println(deploy(context.Background(), nil, migrate.NewMigrations()))
	// Output:
	// bunmigrate: there is no migration "20261201000000_drop_length"
}
