package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Verification is the newest verification of a transform: one row per
// transform, written by whoever holds it.
type Verification struct {
	bun.BaseModel `bun:"table:bgtransform_verifications,alias:v"`

	Name      string  `bun:"name,pk,type:varchar(100)"`
	No        int64   `bun:"verify_no,notnull,type:bigint"` // counts the transform's verifications
	State     string  `bun:"state,notnull,type:varchar(20)"`
	Reason    string  `bun:"reason,notnull,type:text"` // why it was stopped, or has failed; holds no row values
	Share     float64 `bun:"share,notnull"`            // of the rows that are looked at; 1: all
	Mend      bool    `bun:"mend,notnull"`             // rows that are wrong are written again
	ByWhom    string  `bun:"by_whom,notnull,type:varchar(200)"`
	StartedMS int64   `bun:"started_ms,notnull,type:bigint"`
	EndedMS   int64   `bun:"ended_ms,notnull,type:bigint"` // 0: not yet

	Checked   int64 `bun:"rows_checked,notnull,type:bigint"`
	Wrong     int64 `bun:"rows_wrong,notnull,type:bigint"` // those that were repaired included
	Repaired  int64 `bun:"rows_repaired,notnull,type:bigint"`
	Pending   int64 `bun:"rows_pending,notnull,type:bigint"`   // not in quarantine
	Unchecked int64 `bun:"rows_unchecked,notnull,type:bigint"` // what is right for them could not be found out
}

// Found is how many rows a verification has something to say about.
func (v Verification) Found() int64 { return v.Wrong + v.Pending + v.Unchecked }

// The values of [Verification].State.
const (
	VerifyRunning = "running"
	VerifyDone    = "done"
	VerifyStopped = "stopped" // by an operator, or because the transform began anew
	VerifyFailed  = "failed"
)

// Mismatch is a row that the newest verification has something to say about.
type Mismatch struct {
	bun.BaseModel `bun:"table:bgtransform_mismatches,alias:m"`

	Name     string `bun:"name,pk,type:varchar(100)"`
	KeyHash  string `bun:"key_hash,pk,type:varchar(64)"`
	Key      string `bun:"key_text,notnull,type:text"`
	Class    string `bun:"class,notnull,type:varchar(200)"`
	Differs  string `bun:"differs,notnull,type:text"` // names of columns, joined by ", "
	Repaired bool   `bun:"repaired,notnull"`
	FoundMS  int64  `bun:"found_ms,notnull,type:bigint"`
}

// BeginVerification forgets what the verification before has found, and writes
// v instead, with its start and the number that follows. It runs inside the
// transaction of [Attempt.Tx].
func (a Attempt) BeginVerification(ctx context.Context, tx bun.Tx, v *Verification) error {
	v.Name, v.State = a.Name, VerifyRunning
	if _, err := tx.NewDelete().Model((*Mismatch)(nil)).Where("name = ?", a.Name).Exec(ctx); err != nil {
		return fmt.Errorf("forget the last verification: %w", err)
	}
	var last []Verification
	err := tx.NewSelect().Model(&last).Column("verify_no").Where("name = ?", a.Name).Scan(ctx)
	if err == nil && len(last) > 0 {
		v.No = last[0].No
		_, err = tx.NewDelete().Model((*Verification)(nil)).Where("name = ?", a.Name).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("forget the last verification: %w", err)
	}
	v.No++
	if _, err := tx.NewInsert().Model(v).Value("started_ms", "?", a.s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("begin a verification: %w", err)
	}
	return nil
}

// SetVerification writes how far the verification is, or how it ended. It runs
// inside the transaction of [Attempt.Tx].
func (a Attempt) SetVerification(ctx context.Context, tx bun.Tx, v *Verification) error {
	q := tx.NewUpdate().Model(v).Column("state", "reason", "rows_checked", "rows_wrong", "rows_repaired", "rows_pending", "rows_unchecked").
		Where("name = ?", a.Name)
	if v.State != VerifyRunning {
		q = q.Column("ended_ms").Value("ended_ms", "?", a.s.now())
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("write verification: %w", err)
	}
	return nil
}

// EndVerification ends a verification that is under way, if one is. It runs
// inside the transaction of [Attempt.Tx].
func (a Attempt) EndVerification(ctx context.Context, tx bun.Tx, state, reason string) error {
	_, err := tx.NewUpdate().Model((*Verification)(nil)).Set("state = ?", state).Set("reason = ?", reason).Set("ended_ms = ?", a.s.now()).
		Where("name = ? AND state = ?", a.Name, VerifyRunning).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end verification: %w", err)
	}
	return nil
}

// AddMismatches keeps rows that a verification has found. It runs inside the
// transaction of [Attempt.Tx].
func (a Attempt) AddMismatches(ctx context.Context, tx bun.Tx, rows []Mismatch) error {
	for i := range rows {
		rows[i].Name, rows[i].KeyHash, rows[i].Class = a.Name, keyHash(rows[i].Key), storable(rows[i].Class, maxClass)
	}
	for chunk := range slices.Chunk(rows, 200) {
		_, err := tx.NewInsert().Model(&chunk).Value("found_ms", "?", a.s.now()).Ignore().Exec(ctx)
		if err != nil {
			return fmt.Errorf("write mismatches: %w", err)
		}
	}
	return nil
}

// Verifications returns the newest verification of each of the named
// transforms, or of all when no name is given, by their names.
func (s *Store) Verifications(ctx context.Context, names ...string) (map[string]Verification, error) {
	var rows []Verification
	q := s.db.NewSelect().Model(&rows)
	if len(names) > 0 {
		q = q.Where("name IN (?)", bun.List(names))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read verifications: %w", s.missing(err))
	}
	byName := make(map[string]Verification, len(rows))
	for _, v := range rows {
		byName[v.Name] = v
	}
	return byName, nil
}

// Mismatches returns at most limit rows that the newest verification has found,
// ordered by their keys' text.
func (s *Store) Mismatches(ctx context.Context, name string, limit int) ([]Mismatch, error) {
	var rows []Mismatch
	err := s.db.NewSelect().Model(&rows).Where("name = ?", name).OrderExpr("found_ms, key_text").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read mismatches of %q: %w", name, s.missing(err))
	}
	return rows, nil
}
