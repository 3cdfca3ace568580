package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// Lease grants leases from a table of the app's database, by the database
// server's clock: what a nil Locker in the engine's Config means. It needs no
// other server and excludes the whole pool. [Create] makes its table.
type Lease struct{ s *Store }

var _ lease.Locker = (*Lease)(nil)

// NewLease returns the database lease of db. It does no I/O; it fails when the
// database is of a kind that is not supported.
func NewLease(db *bun.DB) (*Lease, error) {
	s, err := New(db)
	if err != nil {
		return nil, err
	}
	return &Lease{s: s}, nil
}

// Acquire implements [lease.Locker]. While the lease is held it only reads.
func (l *Lease) Acquire(ctx context.Context, c lease.Claim) error {
	row, now, err := l.read(ctx, c.Name)
	if errors.Is(err, sql.ErrNoRows) {
		free := &leaseRow{Name: c.Name}
		if _, err := l.s.db.NewInsert().Model(free).Ignore().Exec(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else if held := row.heldAgainst(c, now); held != nil {
		return held
	}
	res, err := l.update(c, l.s.after(c.TTL)).
		Set("holder = ?", c.Holder).Set("term = ?", c.Term).
		Where("expires_ms <= ? OR term = ? OR expires_ms > ?", l.s.now(), c.Term, l.s.after(c.Credible())).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	// Another term was faster, or nothing changed because this one has it already.
	row, now, err = l.read(ctx, c.Name)
	if err != nil {
		return err
	}
	if held := row.heldAgainst(c, now); held != nil {
		return held
	}
	if row.Term != c.Term {
		return &lease.HeldError{Name: c.Name}
	}
	return nil
}

// Renew implements [lease.Locker].
func (l *Lease) Renew(ctx context.Context, c lease.Claim) error {
	res, err := l.update(c, l.s.after(c.TTL)).
		Where("term = ? AND expires_ms > ?", c.Term, l.s.now()).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	// A database that counts changed rows only reports none for two renewals
	// within one millisecond.
	row, now, err := l.read(ctx, c.Name)
	if err == nil && row.Term == c.Term && row.ExpiresMS > now {
		return nil
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return lease.ErrLost
	}
	return err
}

// Release implements [lease.Locker].
func (l *Lease) Release(ctx context.Context, c lease.Claim) error {
	res, err := l.update(c, "0").Set("term = ''").
		Where("term = ? AND expires_ms > ?", c.Term, l.s.now()).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return lease.ErrLost
}

func (l *Lease) update(c lease.Claim, expires bun.Safe) *bun.UpdateQuery {
	return l.s.db.NewUpdate().Model((*leaseRow)(nil)).Set("expires_ms = ?", expires).Where("name = ?", c.Name)
}

func (l *Lease) read(ctx context.Context, name string) (leaseRow, int64, error) {
	var row leaseRow
	var now int64
	err := l.s.db.NewSelect().Model((*leaseRow)(nil)).Column("holder", "term", "expires_ms").
		ColumnExpr("?", l.s.now()).Where("name = ?", name).
		Scan(ctx, &row.Holder, &row.Term, &row.ExpiresMS, &now)
	return row, now, err
}

// heldAgainst returns the error for a claim while another term holds the row.
func (r leaseRow) heldAgainst(c lease.Claim, now int64) error {
	left := time.Duration(r.ExpiresMS-now) * time.Millisecond
	if left <= 0 || left > c.Credible() || r.Term == c.Term {
		return nil
	}
	return &lease.HeldError{Name: c.Name, Holder: r.Holder, Remaining: left}
}
