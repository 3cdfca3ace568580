package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Processed is the key of a row that is done, for transforms whose rows do not show it.
type Processed struct {
	bun.BaseModel `bun:"table:bgtransform_processed,alias:p"`

	Name    string `bun:"name,pk,type:varchar(100)"`
	KeyHash string `bun:"key_hash,pk,type:varchar(32)"`
}

// Mark is the number of the last transaction of a transform that has marked
// keys in a set outside of the database.
type Mark struct {
	bun.BaseModel `bun:"table:bgtransform_marks,alias:m"`

	Name string `bun:"name,pk,type:varchar(100)"`
	Last int64  `bun:"last_no,notnull,type:bigint"`
}

// processedHash is shorter than [keyHash], for there may be as many as rows. Of
// 128 bits no two are ever the same by chance.
func processedHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// processedChunk is how many keys one statement names.
const processedChunk = 500

// ProcessedKeys returns those of keys that are in the set of a transform.
func ProcessedKeys(ctx context.Context, db bun.IDB, name string, keys []string) ([]string, error) {
	var done []string
	for chunk := range slices.Chunk(keys, processedChunk) {
		byHash := make(map[string]string, len(chunk))
		hashes := make([]string, len(chunk))
		for i, key := range chunk {
			hashes[i] = processedHash(key)
			byHash[hashes[i]] = key
		}
		var found []string
		err := db.NewSelect().Model((*Processed)(nil)).Column("key_hash").
			Where("name = ? AND key_hash IN (?)", name, bun.List(hashes)).Scan(ctx, &found)
		if err != nil {
			return nil, fmt.Errorf("read the set of processed keys: %w", err)
		}
		for _, hash := range found {
			done = append(done, byHash[hash])
		}
	}
	return done, nil
}

// AddProcessed puts keys into the set of a transform, in the transaction of the batch.
func AddProcessed(ctx context.Context, tx bun.Tx, name string, keys []string) error {
	for chunk := range slices.Chunk(keys, processedChunk) {
		rows := make([]Processed, len(chunk))
		for i, key := range chunk {
			rows[i] = Processed{Name: name, KeyHash: processedHash(key)}
		}
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("write the set of processed keys: %w", err)
		}
	}
	return nil
}

// RemoveProcessed takes keys out of the set of a transform, in the transaction
// that makes their rows what they were before.
func RemoveProcessed(ctx context.Context, tx bun.Tx, name string, keys []string) error {
	for chunk := range slices.Chunk(keys, processedChunk) {
		hashes := make([]string, len(chunk))
		for i, key := range chunk {
			hashes[i] = processedHash(key)
		}
		_, err := tx.NewDelete().Model((*Processed)(nil)).Where("name = ? AND key_hash IN (?)", name, bun.List(hashes)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write the set of processed keys: %w", err)
		}
	}
	return nil
}

// ForgetProcessed removes at most limit keys from the set of a transform, and
// returns how many. Call it until it returns 0, once nobody needs the set.
func (s *Store) ForgetProcessed(ctx context.Context, name string, limit int) (int, error) {
	var hashes []string
	err := s.db.NewSelect().Model((*Processed)(nil)).Column("key_hash").Where("name = ?", name).Limit(int64(limit)).Scan(ctx, &hashes)
	if err == nil && len(hashes) > 0 {
		_, err = s.db.NewDelete().Model((*Processed)(nil)).Where("name = ? AND key_hash IN (?)", name, bun.List(hashes)).Exec(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("forget the processed keys of %q: %w", name, s.missing(err))
	}
	return len(hashes), nil
}

// LastMark returns the attempt that holds a transform, and the number of the
// last transaction that has marked keys and was committed; 0 before the first.
func LastMark(ctx context.Context, db bun.IDB, name string) (attempt, last int64, err error) {
	err = db.NewSelect().Model((*Range)(nil)).ColumnExpr("r.attempt").
		ColumnExpr("COALESCE((SELECT m.last_no FROM bgtransform_marks AS m WHERE m.name = r.name), 0)").
		Where("r.name = ? AND r.range_no = 0", name).Scan(ctx, &attempt, &last)
	if err != nil {
		return 0, 0, fmt.Errorf("read the last mark: %w", err)
	}
	return attempt, last, nil
}

// SetMark takes the next number, in the transaction of the batch.
func SetMark(ctx context.Context, tx bun.Tx, name string, number int64) error {
	res, err := tx.NewUpdate().Model((*Mark)(nil)).Set("last_no = ?", number).Where("name = ?", name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write the last mark: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	if _, err := tx.NewInsert().Model(&Mark{Name: name, Last: number}).Exec(ctx); err != nil {
		return fmt.Errorf("write the first mark: %w", err)
	}
	return nil
}
