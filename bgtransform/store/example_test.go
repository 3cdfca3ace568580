package store_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// A team that keeps all changes of the schema in its own migrations takes these
// over among them.
func ExampleMigrations() {
	ctx := context.Background()
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	db := bun.NewDB(pool, sqlitedialect.New())

	ours := migrate.NewMigrations() // the app's own
	for _, m := range store.Migrations().Sorted() {
		ours.Add(m)
	}
	migrator := migrate.NewMigrator(db, ours)
	if err := migrator.Init(ctx); err != nil {
		panic(err)
	}
	group, err := migrator.Migrate(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("applied", group.Migrations)
	// Output: applied 6 migrations (20261125000000 ... 20261127080000)
}
