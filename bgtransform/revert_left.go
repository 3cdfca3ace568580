package bgtransform

import (
	"context"
	"hash/maphash"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// maxLeftRows bounds the rows that are held in memory.
const maxLeftRows = 100_000

var errTooManyLeft = &safeError{class: "journal", text: "100000 rows or more that were transformed more than once have changed since; the revert cannot keep them apart. Look at them with Control.Journal"}

// leftRows are the rows of which an entry was left: their older entries must
// be left too, even if a row happens to hold what such an entry has written,
// because it is the app that wrote it since. Only a journal in which a row can
// be twice, of several runs or passes, needs them.
type leftRows struct {
	seed     maphash.Seed
	oldest   *store.JournalEntry
	seqs     map[uint64]int64 // by the key's hash, the newest entry that was left
	trying   []store.JournalEntry
	tryingTo int64 // the position that a committed batch has reached
}

func openLeftRows(ctx context.Context, s *store.Store, name string) (*leftRows, error) {
	l := &leftRows{seed: maphash.MakeSeed(), seqs: map[uint64]int64{}}
	var err error
	if l.oldest, err = s.Oldest(ctx, name); err != nil {
		return nil, err
	}
	entries, err := s.LeftKeys(ctx, name, maxLeftRows)
	if err != nil {
		return nil, err
	}
	if len(entries) >= maxLeftRows {
		return nil, errTooManyLeft
	}
	for _, e := range entries {
		l.keep(e)
	}
	return l, nil
}

func (l *leftRows) blocks(e store.JournalEntry) bool { return l.seqs[l.hash(e.Key)] > e.Seq }

// begin forgets what a batch that was rolled back has left, and begins another.
func (l *leftRows) begin(to int64) { l.trying, l.tryingTo = l.trying[:0], to }

func (l *leftRows) add(e store.JournalEntry) error {
	if l.oldest == nil || (e.Run == l.oldest.Run && e.Pass == l.oldest.Pass) {
		return nil // no older entry can be of the same row
	}
	if len(l.seqs)+len(l.trying) >= maxLeftRows {
		return errTooManyLeft
	}
	l.trying = append(l.trying, e)
	return nil
}

// committed keeps what the batch up to a position has left, now that the walk
// goes on from there.
func (l *leftRows) committed(from int64) {
	if from == l.tryingTo {
		for _, e := range l.trying {
			l.keep(e)
		}
	}
	l.trying = l.trying[:0]
}

func (l *leftRows) keep(e store.JournalEntry) {
	h := l.hash(e.Key)
	l.seqs[h] = max(l.seqs[h], e.Seq)
}

func (l *leftRows) hash(key string) uint64 { return maphash.String(l.seed, key) }
