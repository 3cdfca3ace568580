package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// What is kept of an error's kind and text, in bytes.
const (
	maxClass   = 200
	maxMessage = 2000
)

// storable returns what every database takes for a text: no zero bytes, and
// nothing that is not UTF-8.
func storable(s string, most int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

func keyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Quarantine sets rows aside, or counts another try of rows that were set
// aside before, and returns how many of them are new. It runs inside the
// transaction of [Attempt.Tx].
func (a Attempt) Quarantine(ctx context.Context, tx bun.Tx, rows []Quarantined) (added int64, err error) {
	for _, row := range rows {
		row.Name, row.KeyHash, row.Standing = a.Name, keyHash(row.Key), Held
		row.Class, row.Message = storable(row.Class, maxClass), storable(row.Message, maxMessage)
		isNew, err := a.setAside(ctx, tx, row)
		if err != nil {
			return 0, fmt.Errorf("write quarantine: %w", err)
		}
		if isNew {
			added++
		}
	}
	return added, nil
}

func (a Attempt) setAside(ctx context.Context, tx bun.Tx, row Quarantined) (isNew bool, err error) {
	res, err := tx.NewUpdate().Model(&row).Set("standing = ?standing").Set("class = ?class").Set("message = ?message").Set("by_whom = ''").
		Set("tries = tries + 1").Set("last_ms = ?", a.s.now()).WherePK().Exec(ctx)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return false, err
	}
	row.Tries = 1
	_, err = tx.NewInsert().Model(&row).
		Value("first_ms", "?", a.s.now()).Value("last_ms", "?", a.s.now()).Exec(ctx)
	return true, err
}

// Discharge removes rows from the quarantine: they are no longer pending, or
// gone. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) Discharge(ctx context.Context, tx bun.Tx, keys []string) error {
	for chunk := range slices.Chunk(keys, 500) {
		hashes := make([]string, len(chunk))
		for i, k := range chunk {
			hashes[i] = keyHash(k)
		}
		_, err := tx.NewDelete().Model((*Quarantined)(nil)).Where("name = ? AND key_hash IN (?)", a.Name, bun.List(hashes)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("discharge from quarantine: %w", err)
		}
	}
	return nil
}

// DischargeAll empties the quarantine. It runs inside the transaction of [Attempt.Tx].
func (a Attempt) DischargeAll(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.NewDelete().Model((*Quarantined)(nil)).Where("name = ?", a.Name).Exec(ctx); err != nil {
		return fmt.Errorf("empty the quarantine: %w", err)
	}
	return nil
}

// QuarantinedKeys returns the keys of at most limit rows in quarantine.
func (s *Store) QuarantinedKeys(ctx context.Context, name string, limit int, standings ...string) ([]string, error) {
	var keys []string
	err := s.db.NewSelect().Model((*Quarantined)(nil)).Column("key_text").
		Where("name = ? AND standing IN (?)", name, bun.List(standings)).Limit(int64(limit)).Scan(ctx, &keys)
	if err != nil {
		return nil, fmt.Errorf("read quarantine of %q: %w", name, s.missing(err))
	}
	return keys, nil
}

// Quarantined returns at most limit rows in quarantine, the newest first.
func (s *Store) Quarantined(ctx context.Context, name string, limit int, standings ...string) ([]Quarantined, error) {
	var rows []Quarantined
	q := s.db.NewSelect().Model(&rows).Where("name = ?", name).OrderExpr("last_ms DESC, key_text").Limit(int64(limit))
	if len(standings) > 0 {
		q = q.Where("standing IN (?)", bun.List(standings))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read quarantine of %q: %w", name, s.missing(err))
	}
	return rows, nil
}
