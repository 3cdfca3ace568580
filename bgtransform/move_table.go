package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// tableMove is a move to another table, which has a row for each row of M: it walks
// the table of M, and inserts there, or updates what is out of date.
type tableMove[M, V any] struct{ Move[M, V] }

// Check implements [Checker].
func (m tableMove[M, V]) Check(*bun.DB) error {
	switch {
	case m.Column.Move().Forward == nil:
		return errors.New("a move to another table takes Forward: it is done by SQL only")
	case m.Inspect != nil:
		return errors.New("Inspect cannot be used with a move to another table, which is done by SQL only")
	case m.Options.Journal:
		return errors.New("Options.Journal cannot be used with a move to another table: what it inserts there is not journaled")
	}
	return nil
}

// Open implements [Transform].
func (m tableMove[M, V]) Open(ctx context.Context, db *bun.DB) (Stepper, error) {
	s, err := m.open(ctx, db)
	if err != nil {
		return nil, err
	}
	return s, s.probe(ctx)
}

// OpenVerify implements [Verifier].
func (m tableMove[M, V]) OpenVerify(ctx context.Context, db *bun.DB, req VerifyRequest) (Stepper, error) {
	s, err := m.open(ctx, db)
	if err != nil {
		return nil, err
	}
	w := &wrongStepper{verifier: verifier{walker: s.walker, req: req}, wrong: s.differs}
	w.prepare = func(context.Context, []string) (mend, error) {
		return func(ctx context.Context, tx bun.Tx, keys []string) (out mending, err error) {
			written, err := s.write(ctx, tx, keys, w.standsWrong())
			if err != nil {
				return out, err
			}
			out.left, err = w.standing(ctx, s.d.Bound(tx), w.standsWrong(), keys)
			out.repaired = without(written, out.left)
			return out, err
		}, nil
	}
	return w, w.probe(ctx)
}

func (m tableMove[M, V]) open(ctx context.Context, db *bun.DB) (*tableStepper, error) {
	t, other, err := m.tables(ctx, db)
	if err != nil {
		return nil, err
	}
	rel, err := m.Column.Relation(db)
	if err != nil {
		return nil, err
	}
	c := m.conditions(db, t, other)
	s := &tableStepper{
		walker:  walker{table: t, db: db, limits: limitsOf(ctx), pending: c.pending},
		differs: c.differs,
	}
	var key, into, from []string
	for i, f := range rel.JoinPKs {
		key = append(key, string(f.SQLName))
		from = append(from, string(t.SQLAlias)+"."+string(rel.BasePKs[i].SQLName))
	}
	forward := m.Column.Forward()
	for i, name := range m.Column.Move().NewColumns {
		into = append(into, string(other.FieldMap[name].SQLName))
		from = append(from, spelled(db, forward[i]))
	}
	s.insert = "INSERT INTO " + string(other.SQLName) + " (" + strings.Join(slices.Concat(key, into), ", ") + ") SELECT " +
		strings.Join(from, ", ") + " FROM " + t.from + " WHERE "
	s.upsert = t.d.Upsert(key, into)
	return s, nil
}

// tableStepper walks the rows of a move to another table.
type tableStepper struct {
	walker
	differs        string // SQL text, complete: a row is out of date
	insert, upsert string // the statement, before and after its condition
}

// probe runs the statement over no rows, so that an error in it is found before
// anything is written.
func (s *tableStepper) probe(ctx context.Context) error {
	err := s.d.Transact(ctx, s.db, s.limits, func(ctx context.Context, tx bun.Tx) error {
		cond, args := s.walk.Within(keyset.Range{})
		if err := s.run(ctx, tx, cond+" AND ("+s.pending+")", args); err != nil {
			return err
		}
		return errRolledBack
	})
	if !errors.Is(err, errRolledBack) {
		return fmt.Errorf("try the insert of no rows: %w", err)
	}
	return nil
}

func (s *tableStepper) run(ctx context.Context, tx bun.Tx, cond string, args []any) error {
	_, err := s.d.Bound(tx).ExecContext(ctx, s.insert+cond+s.upsert, args...)
	return err
}

// Step implements [Stepper].
func (s *tableStepper) Step(ctx context.Context, req Request) (Step, error) {
	var r keyset.Range
	var step Step
	var keys []string
	err := s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		if r, step, err = s.next(ctx, q, req); err != nil || r.N == 0 {
			return err
		}
		cond, args := s.walk.Within(r)
		keys, err = s.keysWhere(ctx, q, cond+" AND ("+s.pending+")", args...)
		return err
	})
	if err != nil || r.N == 0 {
		return step, err
	}
	keys = slices.DeleteFunc(keys, req.Skip.Has)
	if len(keys) == 0 {
		return step, nil
	}
	step.expect = Applied{Found: len(keys), Changed: len(keys)}
	var written []string
	step.Apply = func(ctx context.Context, tx bun.Tx) (_ Applied, err error) {
		written, err = s.write(ctx, tx, keys, s.pending)
		return Applied{Found: len(keys), Changed: len(written), retried: req.retried.among(written)}, err
	}
	step.StillPending = func(ctx context.Context, tx bun.Tx) ([]string, error) {
		return s.stillPending(ctx, s.d.Bound(tx), s.pending, written)
	}
	return step, nil
}

// write writes the rows of some keys that match cond, and returns the keys of these.
// The rows of M are locked first, and looked at only then: an app that writes both
// tables in one transaction, M first, either comes before, and is seen, or after. All
// are locked before one is written, or the app could wait for the one and be waited
// for because of the other.
func (s *tableStepper) write(ctx context.Context, tx bun.Tx, texts []string, cond string) (written []string, err error) {
	keys, err := s.keysOf(texts)
	if err != nil {
		return nil, err
	}
	q := s.d.Bound(tx)
	for chunk := range slices.Chunk(keys, 200) {
		among, args := s.walk.AnyOf(chunk)
		if _, err := s.keysWhere(ctx, q, "("+among+")"+s.d.LockRows, args...); err != nil {
			return nil, err
		}
	}
	for chunk := range slices.Chunk(keys, 200) {
		among, args := s.walk.AnyOf(chunk)
		among = "(" + among + ") AND (" + cond + ")"
		part, err := s.keysWhere(ctx, q, among, args...)
		if err != nil {
			return nil, err
		}
		if err := s.run(ctx, tx, among, args); err != nil {
			return nil, err
		}
		written = append(written, part...)
	}
	return written, nil
}
