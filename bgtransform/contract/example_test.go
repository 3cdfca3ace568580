package contract_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// catalogue is a table whose rows have been moved from length to length_ms.
func catalogue() *bun.DB {
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	pool.SetMaxOpenConns(1) // each connection would have a memory of its own
	_, err = pool.Exec("CREATE TABLE tracks (id INTEGER PRIMARY KEY, length INTEGER NOT NULL, length_ms INTEGER);" +
		"INSERT INTO tracks (length, length_ms) VALUES (215, 215000), (180, 180000)")
	if err != nil {
		panic(err)
	}
	return bun.NewDB(pool, sqlitedialect.New())
}

// The contract step of a column move, as it follows the releases of the app.
func Example() {
	db, ctx := catalogue(), context.Background()
	defer db.Close()
	quiet := contract.Logger(slog.New(slog.DiscardHandler))

	// Before a release that writes the new column only.
	fmt.Println(contract.Relax(ctx, db, "tracks", "length", quiet))
	// Once the transform is complete.
	fmt.Println(contract.NotNull(ctx, db, "tracks", "length_ms", quiet))
	fmt.Println(contract.CreateIndex(ctx, db, contract.Index{Table: "tracks", Columns: []string{"length_ms"}}, quiet))
	fmt.Println(contract.AddCheck(ctx, db, contract.Check{Table: "tracks", Name: "tracks_length_ms_positive", Expr: "length_ms > 0"}, quiet))
	// Once no release knows the old column.
	fmt.Println(contract.DropColumn(ctx, db, "tracks", "length", quiet))

	var table string
	db.QueryRow("SELECT sql FROM sqlite_schema WHERE name = 'tracks'").Scan(&table)
	fmt.Println(table)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// CREATE TABLE tracks (id INTEGER PRIMARY KEY, length_ms INTEGER NOT NULL, CONSTRAINT "tracks_length_ms_positive" CHECK (length_ms > 0))
}

// A Go migration of bun runs outside of a transaction, as these functions need it. With
// WithMarkAppliedOnSuccess one that failed is run again; without, bun takes it for done.
func ExampleNotNull_migration() {
	db, ctx := catalogue(), context.Background()
	defer db.Close()

	migrations := migrate.NewMigrations()
	migrations.Add(migrate.Migration{
		Name: "20270101000000",
		Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
			quiet := contract.Logger(slog.New(slog.DiscardHandler))
			return contract.NotNull(ctx, m.DB(), "tracks", "length_ms", quiet, contract.Transform("track-length-ms"))
		},
	})
	migrator := migrate.NewMigrator(db, migrations, migrate.WithMarkAppliedOnSuccess(true))
	if err := migrator.Init(ctx); err != nil {
		fmt.Println(err)
		return
	}
	_, err := migrator.Migrate(ctx)
	fmt.Println(err)
	// Output:
	// <nil>
}

// What stands against a change is found before anything is changed.
func ExampleNotNull_rows() {
	db, ctx := catalogue(), context.Background()
	defer db.Close()
	db.Exec("INSERT INTO tracks (length) VALUES (77)") // by an instance of an old release

	err := contract.NotNull(ctx, db, "tracks", "length_ms", contract.Transform("track-length-ms"), contract.Logger(slog.New(slog.DiscardHandler)))
	fmt.Println(errors.Is(err, contract.ErrRows))
	fmt.Println(err)
	// Output:
	// true
	// contract: table "tracks": make column "length_ms" NOT NULL: some rows have NULL in column "length_ms": transform "track-length-ms" has to complete first; its status says what is missing. Nothing is changed
}

// A deploy that may take a quarter of an hour, and must not let the app wait for
// longer than a fifth of a second.
func ExampleDropColumn() {
	db := catalogue()
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()

	err := contract.DropColumn(ctx, db, "tracks", "length",
		contract.LockTimeout(200*time.Millisecond), contract.Patience(10*time.Minute), contract.Logger(slog.New(slog.DiscardHandler)))
	if errors.Is(err, contract.ErrBusy) {
		fmt.Println("the next deploy tries again")
	}
	fmt.Println(err)
	// Output:
	// <nil>
}

func ExampleDropIndex() {
	db, ctx := catalogue(), context.Background()
	defer db.Close()
	quiet := contract.Logger(slog.New(slog.DiscardHandler))
	index := contract.Index{Table: "tracks", Columns: []string{"length_ms"}, Name: "by_length", Where: "length_ms > 60000"}
	fmt.Println(contract.CreateIndex(ctx, db, index, quiet))
	fmt.Println(contract.DropIndex(ctx, db, "tracks", "by_length", quiet))
	// Output:
	// <nil>
	// <nil>
}
