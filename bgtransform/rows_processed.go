package bgtransform

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// rehearse implements [rehearser]: sets that are not in the database are read only, and
// before the tables of this package are there, nothing is in any set.
func (s *rowStepper[M]) rehearse(ctx context.Context) error {
	if !s.def.Processed.used() {
		return nil
	}
	s.rehearses = true
	_, err := s.processed(ctx, []string{""})
	if err != nil && s.d.Classify(err) == dialect.Schema || errors.Is(err, sql.ErrNoRows) {
		s.unmarked, err = true, nil
	}
	return err
}

// undone leaves out the rows that are in the set of processed keys.
func (s *rowStepper[M]) undone(ctx context.Context, rows []row[M]) ([]row[M], error) {
	if !s.def.Processed.used() || s.unmarked || len(rows) == 0 {
		return rows, nil
	}
	keys := make([]string, len(rows))
	for i, one := range rows {
		text, err := one.key.Encode()
		if err != nil {
			return nil, err
		}
		keys[i] = text
	}
	done, err := s.processed(ctx, keys)
	if err != nil || len(done) == 0 {
		return rows, err
	}
	left := make([]row[M], 0, len(rows)-len(done))
	for i, one := range rows {
		if !done[keys[i]] {
			left = append(left, one)
		}
	}
	return left, nil
}

// processed returns those of keys that are in the set.
func (s *rowStepper[M]) processed(ctx context.Context, keys []string) (map[string]bool, error) {
	var done []string
	var err error
	if p := s.def.Processed; p.inDatabase {
		done, err = store.ProcessedKeys(ctx, s.db, s.def.Name, keys)
	} else {
		at := Mark{Transform: s.def.Name}
		if at.Attempt, at.Number, err = store.LastMark(ctx, s.db, s.def.Name); err != nil {
			return nil, err
		}
		done, err = contain(ctx, func() ([]string, error) { return p.set.Done(ctx, at, keys) })
		err = outside(err)
	}
	if err != nil {
		return nil, err
	}
	in := make(map[string]bool, len(done))
	for _, key := range done {
		in[key] = true
	}
	return in, nil
}

// mark puts the rows that were written into the set of processed keys.
func (s *rowStepper[M]) mark(ctx context.Context, tx bun.Tx, rows []row[M], written []dialect.Row) error {
	if p := s.def.Processed; !p.used() || s.unmarked || (s.rehearses && !p.inDatabase) {
		return nil
	}
	keys := make([]string, 0, len(rows))
	for i, one := range rows {
		if !written[i].Changed {
			continue // it moved on: the next pass looks at it
		}
		text, err := one.key.Encode()
		if err != nil {
			return err
		}
		keys = append(keys, text)
	}
	if len(keys) == 0 {
		return nil
	}
	p := s.def.Processed
	if p.inDatabase {
		return store.AddProcessed(ctx, tx, s.def.Name, keys)
	}
	return numbered(ctx, tx, s.def.Name, keys, p.set.Mark)
}

// unmark takes keys out of the set of a transform, in the transaction that
// makes their rows what they were before.
func (p Processed) unmark(ctx context.Context, tx bun.Tx, name string, keys []string) error {
	switch {
	case len(keys) == 0 || !p.used():
		return nil
	case p.inDatabase:
		return store.RemoveProcessed(ctx, tx, name, keys)
	default:
		return numbered(ctx, tx, name, keys, p.set.Unmark)
	}
}

// numbered calls a set that is not in the database, under the next number, which
// counts from the commit on.
func numbered(ctx context.Context, tx bun.Tx, name string, keys []string, fn func(context.Context, Mark, []string) error) error {
	attempt, last, err := store.LastMark(ctx, tx, name)
	if err != nil {
		return err
	}
	at := Mark{Transform: name, Attempt: attempt, Number: last + 1}
	if err := store.SetMark(ctx, tx, name, at.Number); err != nil {
		return err
	}
	_, err = contain(ctx, func() (struct{}, error) { return struct{}{}, fn(ctx, at, keys) })
	return outside(err)
}

// outside explains an error of a set that is not in the database, whose text
// may quote keys.
func outside(err error) error {
	if err == nil || sentinelOf(err) != nil {
		return err
	}
	return &safeError{class: "processed_set", text: "the set of processed keys: an error of type " + errorClass(err)}
}

// StillPending implements [Rechecker].
func (s *rowStepper[M]) StillPending(ctx context.Context, db bun.IDB, keys []string) ([]string, error) {
	left, err := s.walker.StillPending(ctx, db, keys)
	if err != nil || !s.def.Processed.used() || len(left) == 0 {
		return left, err
	}
	done, err := s.processed(ctx, left)
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, key := range left {
		if !done[key] {
			pending = append(pending, key)
		}
	}
	return pending, nil
}
