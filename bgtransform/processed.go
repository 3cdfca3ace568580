package bgtransform

import "context"

// ProcessedSet keeps the keys of rows that are done outside of the app's
// database. adapters/redisset keeps them in Redis. An implementation must be
// safe for concurrent use, and should take a thousand keys at once.
//
// The set is not in the transaction that writes the rows, so a mark counts only
// if that transaction was committed, which the database knows: each one that
// marks keys, or takes marks back, has a number, the one after the last that was
// committed. Each key has at most one mark and at most one that takes it back.
type ProcessedSet interface {
	// Done returns those of keys that were marked under a number up to
	// at.Number, and not taken back under a higher one up to at.Number.
	Done(ctx context.Context, at Mark, keys []string) ([]string, error)

	// Mark removes whatever was marked or taken back under at.Number or a higher
	// one, for its transaction was not committed, and then marks keys. Both must
	// happen at once, and must not happen, with an error, if the set was ever
	// called with a higher attempt: the caller was frozen, and another has taken
	// over.
	Mark(ctx context.Context, at Mark, keys []string) error

	// Unmark is Mark for a revert, whose rows are as they were before: it takes
	// the marks of keys back. The marks themselves must stay, for they count
	// again if the transaction comes to nothing.
	Unmark(ctx context.Context, at Mark, keys []string) error
}

// Mark says on whose behalf a [ProcessedSet] is asked.
type Mark struct {
	Transform string
	Attempt   int64 // the fence
	Number    int64 // of the transaction
}

// Processed says where the keys of rows that are done are kept. The zero value
// keeps none.
type Processed struct {
	inDatabase bool
	set        ProcessedSet
}

// ProcessedInDatabase keeps the keys in the table bgtransform_processed of the
// app's database, in the same transaction as the rows: each row is done exactly
// once. A key takes about 150 bytes there.
func ProcessedInDatabase() Processed { return Processed{inDatabase: true} }

// ProcessedIn keeps the keys in a set outside of the database: each row is done
// exactly once for as long as the set forgets nothing.
func ProcessedIn(set ProcessedSet) Processed { return Processed{set: set} }

func (p Processed) used() bool { return p.inDatabase || p.set != nil }
