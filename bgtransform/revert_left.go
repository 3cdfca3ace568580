package bgtransform

import (
	"context"
	"hash/maphash"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// maxLeftRows bounds the rows that are held in memory.
const maxLeftRows = 100_000

var errTooManyLeft = &safeError{class: classJournal, text: "100000 rows or more that were transformed more than once have changed since; the revert cannot keep them apart. Look at them with Control.Journal"}

// leftRows are the rows of which an entry was left: their older entries must
// be left too, even if a row happens to hold what such an entry has written,
// because it is the app that wrote it since. Only a journal in which a row can
// be twice, of several runs or passes, needs them.
type leftRows struct {
	seed     maphash.Seed
	oldest   *store.JournalEntry
	rows     map[uint64]leftRow // by the key's hash
	trying   []store.JournalEntry
	tryingTo int64 // the position that a committed batch has reached
}

// leftRow is the newest entry of a row that was left.
type leftRow struct {
	seq      int64
	standing string
}

func openLeftRows(ctx context.Context, s *store.Store, name string) (*leftRows, error) {
	l := &leftRows{seed: maphash.MakeSeed(), rows: map[uint64]leftRow{}}
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

// blocks reports whether an entry must be left because a newer one of its row
// was, and the standing it then has. One behind an entry that the database
// refuses stands as that does: a retry tries both again.
func (l *leftRows) blocks(e store.JournalEntry) (standing string, blocked bool) {
	row := l.rows[l.hash(e.Key)]
	if row.seq <= e.Seq {
		return "", false
	}
	if row.standing == store.Refused {
		return store.Refused, true
	}
	return store.Changed, true
}

// begin forgets what a batch that was rolled back has left, and begins another.
func (l *leftRows) begin(to int64) { l.trying, l.tryingTo = l.trying[:0], to }

func (l *leftRows) add(e store.JournalEntry) error {
	if l.oldest == nil || (e.Run == l.oldest.Run && e.Pass == l.oldest.Pass) {
		return nil // no older entry can be of the same row
	}
	if len(l.rows)+len(l.trying) >= maxLeftRows {
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
	if e.Seq > l.rows[h].seq {
		l.rows[h] = leftRow{e.Seq, e.Standing}
	}
}

func (l *leftRows) hash(key string) uint64 { return maphash.String(l.seed, key) }
