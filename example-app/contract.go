package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/contract"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// The two migrations of release 4: relaxed before the first instance of it serves, and
// dropped once the last one of release 3 has left. After that there is no old column.
const (
	relaxed = "4-relax-length"
	dropped = "4-drop-length"
)

// mayContract asks the gate. quiet is for how long nobody may have needed the old column.
func mayContract(ctx context.Context, db *bun.DB, quiet time.Duration, more ...gate.Option) error {
	rel, err := release2()
	if err != nil {
		return err
	}
	return gate.Require(ctx, db, moveName, append(more,
		gate.Transforms(lengthToMS(rel.length)), gate.Quiet(quiet), gate.Command("example-app transforms"))...)
}

// relax makes the old column accept rows without it, which is what release 4 writes,
// if the gate lets it.
func (r release) relax(ctx context.Context, db *bun.DB, quiet time.Duration, logger *slog.Logger) error {
	done, err := applied(ctx, db)
	if err != nil || slices.Contains(done, dropped) {
		return err
	}
	err = mayContract(ctx, db, quiet)
	if _, refused := errors.AsType[*gate.Refusal](err); refused {
		return &refusal{r, err}
	}
	if err != nil || slices.Contains(done, relaxed) {
		return err
	}
	if err := contract.Relax(ctx, db, "tracks", "length", contract.Logger(logger)); err != nil {
		return err
	}
	return record(ctx, db, relaxed)
}

const contractHelp = `Usage: example-app contract [flags]

The last step: drops the old column, behind the gate, once nobody writes it any more.
Exit code 0: it is gone; 3: the gate does not open yet, and says why; 1: an error.
The database is that of -db or, without it, of DATABASE_URL.

Flags:
`

// contractNow runs the command of that name.
func contractNow(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	fs := newFlagSet("contract", contractHelp, stderr)
	address := fs.String("db", "", databaseHelp)
	quiet := fs.Duration("quiet", quietDefault, quietHelp)
	if err := fs.Parse(args); err != nil {
		return asUsage(err)
	}
	at, err := parseDatabase(cmp.Or(*address, getenv("DATABASE_URL")), "rw")
	if err != nil {
		return err
	}
	db, err := at.open()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }
	return dropLength(ctx, db, *quiet, say)
}

// dropLength is the last migration. It can be called again at any time.
func dropLength(ctx context.Context, db *bun.DB, quiet time.Duration, say func(format string, args ...any)) error {
	done, err := applied(ctx, db)
	if err != nil {
		return err
	}
	if slices.Contains(done, dropped) {
		say("the column length is gone already")
		return nil
	}
	if !slices.Contains(done, relaxed) {
		return errors.New("no release 4 has been here yet, and releases 1 to 3 need the column length; deploy release 4 first")
	}
	if err := mayContract(ctx, db, quiet, gate.NoOldWrites()); err != nil {
		return err
	}
	logger := contract.Logger(slog.New(slog.DiscardHandler))
	if err := contract.NotNull(ctx, db, "tracks", "length_ms", logger, contract.Transform(moveName)); err != nil {
		return err
	}
	say("length_ms is NOT NULL now")
	if err := contract.DropColumn(ctx, db, "tracks", "length", logger); err != nil {
		return err
	}
	say("the column length is dropped")
	return record(ctx, db, dropped)
}

// record notes that a migration was applied; two processes may do so at once.
func record(ctx context.Context, db *bun.DB, name string) error {
	_, err := db.NewInsert().Model(&migrationRow{Name: name}).Ignore().Exec(ctx)
	return err
}

// migrationRow is a migration that the database has seen.
type migrationRow struct {
	bun.BaseModel `bun:"table:migrations"`

	Name string `bun:"name,pk"`
}
