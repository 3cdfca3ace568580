package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// Attempt is one holding of a transform: its number is the fence that every
// transaction of it checks first.
type Attempt struct {
	s      *Store
	Name   string
	Number int64
	Bounds Bounds // of its transactions; zero means the server's own

	place *place // of the checkpoint's row; nil on databases that find it at once
}

// Bounds are what the server allows a transaction. Zero means its own settings.
type Bounds struct {
	Statement time.Duration // how long one may take
	Lock      time.Duration // how long one may wait for a lock
	Idle      time.Duration // how long the transaction may wait for the next one
}

func (b Bounds) limits(relaxed bool) dialect.Limits {
	return dialect.Limits{Statement: b.Statement, Lock: b.Lock, Idle: b.Idle, Relaxed: relaxed}
}

// Bounded returns a store on the same database whose attempts are bounded.
func (s *Store) Bounded(b Bounds) *Store {
	bounded := *s
	bounded.bounds = b
	return &bounded
}

// Claim begins an attempt: it raises the transform's attempt number, so that
// every older attempt is refused from then on, and returns the record as the
// new attempt finds it. It waits for the lock of the transform's row, which a
// transaction of an older attempt may hold, for as long as the bounds allow.
func (s *Store) Claim(ctx context.Context, name, holder string) (Attempt, Record, error) {
	var rec Record
	err := s.d.Transact(ctx, s.db, s.bounds.limits(false), func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*Range)(nil)).
			Set("attempt = attempt + 1").Set("holder = ?", holder).Set("heartbeat_ms = ?", s.now()).
			Where("name = ? AND range_no = 0", name).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return cmpErr(err, ErrNotFound)
		}
		rec, err = s.get(ctx, tx, name)
		return err
	})
	if err != nil {
		return Attempt{}, Record{}, fmt.Errorf("claim transform %q: %w", name, err)
	}
	a := Attempt{s: s, Name: name, Number: rec.Range.Attempt, Bounds: s.bounds}
	if s.d.KeepsVersions {
		a.place = newPlace()
	}
	return a, rec, nil
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// Tx runs fn in a transaction whose first statement checks the fence and
// writes the checkpoint r; fn may be nil. It returns an error that wraps
// [ErrFenced] when a newer attempt has taken over, and one that wraps
// [ErrUnsettled] when the database does not hold the checkpoint that r follows.
// After a commit r.Beats is what the database has.
//
// The fence's row stays locked until the commit, so no newer attempt can begin
// while this transaction commits.
func (a Attempt) Tx(ctx context.Context, r *Range, fn func(ctx context.Context, tx bun.Tx) error) error {
	return a.transact(ctx, r, false, fn)
}

// BatchTx is [Attempt.Tx] for a batch, which need not be on the disk when it
// returns, where the database allows that: rows and checkpoint are in the same
// transaction, so a server that crashes loses both or neither, and the next
// transaction finds out.
func (a Attempt) BatchTx(ctx context.Context, r *Range, fn func(ctx context.Context, tx bun.Tx) error) error {
	return a.transact(ctx, r, true, fn)
}

func (a Attempt) transact(ctx context.Context, r *Range, relaxed bool, fn func(ctx context.Context, tx bun.Tx) error) error {
	checkpoint, err := a.checkpoint(r)
	if err != nil {
		return err
	}
	nearby, near := a.place.nearby(checkpoint, r.Beats)
	first, noted := a.place.noted(nearby)
	ctid, began := "", time.Now()
	err = a.s.d.TransactAfter(ctx, a.s.db, a.Bounds.limits(relaxed), first, func(ctx context.Context, tx bun.Tx, matched int64) (err error) {
		if matched == 0 && near {
			if matched, err = a.everywhere(ctx, tx, checkpoint); err != nil {
				return err
			}
		} else if !near {
			a.place.searched(time.Since(began))
		}
		if matched == 0 {
			return a.refused(ctx, tx)
		}
		if fn != nil {
			if err := fn(ctx, tx); err != nil {
				return err
			}
		}
		ctid, err = a.place.ask(ctx, tx, noted)
		return err
	})
	if err == nil {
		r.Beats++
		a.place.put(ctid, r.Beats)
	}
	return err
}

// everywhere writes the checkpoint by the row's key, when it is not where it was written
// last: somebody else has, or it was moved.
func (a Attempt) everywhere(ctx context.Context, tx bun.Tx, checkpoint string) (int64, error) {
	res, err := a.write(ctx, tx, checkpoint)
	if err != nil {
		return 0, fmt.Errorf("write checkpoint: %w", err)
	}
	return res.RowsAffected()
}

// write writes the checkpoint's row, and leaves behind where, if that will be asked for.
func (a Attempt) write(ctx context.Context, tx bun.Tx, update string) (sql.Result, error) {
	text, _ := a.place.noted(update)
	return tx.NewRaw("?", bun.Safe(text)).Exec(ctx) // bun would take a ? in the text for a placeholder
}

// checkpoint is the first statement of every transaction: it takes the row's lock,
// on SQLite the database's write lock, before anything is read. The beats tell
// a checkpoint that was lost, or written without our knowing, from ours.
func (a Attempt) checkpoint(r *Range) (string, error) {
	text, err := a.s.db.NewUpdate().Model(r).
		Column("advanced_ms", "stuck_ms", "quiet_ms", "run_no", "mode", "restarts", "retries", "verifies", "link", "pass_no", "began", "cursor_key", "at_end", "batches",
			"keys_in_pass", "found_in_pass", "keys_walked", "rows_changed", "rows_moved", "journaled",
			"remaining", "rows_per_sec", "rated_secs", "read_rate", "pass_keys", "share_done", "measured_ms", "window_text",
			"busy_ms", "swept_ms", "recheck", "limited_code", "limited_by").
		Column("heartbeat_ms", "beats").Value("heartbeat_ms", "?", a.s.now()).
		Value("beats", "beats + 1"). // always a change, for databases that report changed rows only
		Where("name = ? AND range_no = 0 AND attempt = ? AND beats = ?", a.Name, a.Number, r.Beats).
		AppendQuery(a.s.db.QueryGen(), nil)
	if err != nil {
		return "", fmt.Errorf("spell checkpoint: %w", err)
	}
	return string(text), nil
}

// refused says why the checkpoint's row did not match.
func (a Attempt) refused(ctx context.Context, tx bun.Tx) error {
	var now Range
	err := tx.NewSelect().Model(&now).Column("attempt").Where("name = ? AND range_no = 0", a.Name).Scan(ctx)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("check fence: %w", err)
	case err != nil || now.Attempt != a.Number:
		return fmt.Errorf("transform %q, attempt %d: %w", a.Name, a.Number, ErrFenced)
	default:
		return fmt.Errorf("transform %q, attempt %d: %w", a.Name, a.Number, ErrUnsettled)
	}
}

// Counts completes the checkpoint with what is known only after the batch was
// written. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) Counts(ctx context.Context, tx bun.Tx, r *Range) error {
	text, err := tx.NewUpdate().Model(r).
		Column("found_in_pass", "rows_changed", "rows_moved", "journaled", "at_end").
		Where("name = ? AND range_no = 0", a.Name).AppendQuery(a.s.db.QueryGen(), nil)
	if err != nil {
		return fmt.Errorf("spell counts: %w", err)
	}
	if _, err := a.write(ctx, tx, string(text)); err != nil {
		return fmt.Errorf("write counts: %w", err)
	}
	return nil
}

// SetState writes what is. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) SetState(ctx context.Context, tx bun.Tx, t *Transform) error {
	_, err := tx.NewUpdate().Model(t).
		Column("state", "reason_code", "reason", "reason_until_ms", "last_error", "last_error_ms", "definition", "superseded", "started_ms", "completed_ms", "updated_ms").
		Value("updated_ms", "?", a.s.now()).
		Where("name = ?", a.Name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// Leave says that the holder has left in good order, so that nobody waits for
// its heartbeat to grow old. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) Leave(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewUpdate().Model((*Range)(nil)).Set("heartbeat_ms = 0").
		Where("name = ? AND range_no = 0", a.Name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
