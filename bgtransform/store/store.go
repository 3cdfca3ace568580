package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// ErrFenced is returned when a newer attempt has taken the transform over: the
// caller's transaction must be rolled back, and its attempt is over.
var ErrFenced = errors.New("fenced: a newer attempt has taken over")

// ErrUnsettled is returned when the database does not hold the checkpoint that
// the caller believes to be the last: a server that crashed or failed over has
// lost some, or a commit that was reported as failed took place. The caller
// must read the record again.
var ErrUnsettled = errors.New("the database does not hold the last checkpoint")

// ErrNotFound is returned for a transform that no instance has ever registered
// in this database.
var ErrNotFound = errors.New("no such transform in this database")

// ErrNoTables is returned together with [ErrNotFound] where our tables, or columns of them,
// are not there.
var ErrNoTables = errors.New("no instance of the app has made its tables yet: either none of this version has started here, or its user may not make them, which is in its log (make them with store.Migrations as one who may)")

// Store reads and writes the tables of one database. It is safe for concurrent use.
type Store struct {
	db     *bun.DB
	d      *dialect.Dialect
	bounds Bounds
}

// New returns the store of db. It does no I/O; it fails when the database is
// of a kind that is not supported.
func New(db *bun.DB) (*Store, error) {
	d, err := dialect.For(db)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, d: d}, nil
}

// Register makes the rows of transforms that are new to this database.
func (s *Store) Register(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.register(ctx, name); err != nil {
			return fmt.Errorf("register transform %q: %w", name, err)
		}
	}
	return nil
}

func (s *Store) register(ctx context.Context, name string) error {
	known, err := s.db.NewSelect().Model((*Range)(nil)).Where("name = ?", name).Exists(ctx)
	if err != nil || known {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := s.now()
		_, err := tx.NewInsert().Model(&Transform{Name: name, State: "pending"}).
			Value("created_ms", "?", now).Value("updated_ms", "?", now).Ignore().Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&Intent{Name: name, Desired: Run}).
			Value("since_ms", "?", now).Ignore().Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&Range{Name: name, Run: 1, Pass: 1, Remaining: -1}).Ignore().Exec(ctx)
		return err
	})
}

// inTx runs fn in a transaction in which a text is a text in every session, also one
// with a backslash: some of what is stored is anybody's words.
func (s *Store) inTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return s.d.Transact(ctx, s.db, dialect.Limits{}, fn)
}

// missing explains an error that means that our tables are not there.
func (s *Store) missing(err error) error {
	if err == nil || s.d.Classify(err) != dialect.Schema {
		return err
	}
	return fmt.Errorf("%w: %w: %w", ErrNotFound, ErrNoTables, err)
}

func (s *Store) now() bun.Safe { return bun.Safe(s.d.Now) }

// after is the SQL expression of the time d from now, rounded up to the next
// millisecond.
func (s *Store) after(d time.Duration) bun.Safe {
	ms := (d + time.Millisecond - 1).Milliseconds()
	return bun.Safe(s.d.Now + " + " + strconv.FormatInt(ms, 10))
}
