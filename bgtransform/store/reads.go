package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Reads is what the dual reads of one instance came to within one hour.
type Reads struct {
	bun.BaseModel `bun:"table:bgtransform_reads,alias:rd"`

	Name     string `bun:"name,pk,type:varchar(100)"`
	Instance string `bun:"instance,pk,type:varchar(200)"`
	HourMS   int64  `bun:"hour_ms,pk,type:bigint"` // when the hour began, by the server's clock

	ReadCounts

	FirstMS        int64 `bun:"first_ms,notnull,type:bigint"`         // when it was first counted
	SeenMS         int64 `bun:"seen_ms,notnull,type:bigint"`          // when it was last counted
	LastFallbackMS int64 `bun:"last_fallback_ms,notnull,type:bigint"` // when one was last counted; 0: none was
	LastMissingMS  int64 `bun:"last_missing_ms,notnull,type:bigint"`
	LastMismatchMS int64 `bun:"last_mismatch_ms,notnull,type:bigint"`
}

// ReadCounts are counts of dual reads.
type ReadCounts struct {
	Fallbacks  int64 `bun:"fallbacks,notnull,type:bigint"`  // answered by the old columns
	Missing    int64 `bun:"missing,notnull,type:bigint"`    // answered by nothing
	Compared   int64 `bun:"compared,notnull,type:bigint"`   // of which both sides were read
	Mismatches int64 `bun:"mismatches,notnull,type:bigint"` // of those, with different values
}

// ReadsKept is for how long hours are kept.
const ReadsKept = 14 * 24 * time.Hour

// AddReads adds to the present hour what an instance has counted since it last did.
// Counts of 0 say that it goes on counting.
func (s *Store) AddReads(ctx context.Context, instance, name string, c ReadCounts) error {
	when := func(n int64) bun.Safe {
		if n > 0 {
			return "n.ms"
		}
		return "0"
	}
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`INSERT INTO bgtransform_reads (name, instance, hour_ms, fallbacks, missing, compared, mismatches,
			first_ms, seen_ms, last_fallback_ms, last_missing_ms, last_mismatch_ms)
			SELECT ?, ?, n.ms - n.ms % 3600000, ?, ?, ?, ?, n.ms, n.ms, ?, ?, ? FROM (SELECT ? AS ms) AS n WHERE 1 = 1 ?`,
			name, instance, c.Fallbacks, c.Missing, c.Compared, c.Mismatches,
			when(c.Fallbacks), when(c.Missing), when(c.Mismatches), s.now(), s.addToHour()).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("write reads of %q: %w", name, err)
	}
	return nil
}

// addToHour ends an insert whose row may be there.
func (s *Store) addToHour() bun.Safe {
	lead, excluded := "ON CONFLICT (name, instance, hour_ms) DO UPDATE SET ", func(col string) string { return "excluded." + col }
	if s.db.Dialect().Name() == dialect.MySQL {
		lead, excluded = "ON DUPLICATE KEY UPDATE ", func(col string) string { return "VALUES(" + col + ")" }
	}
	sets := []string{"seen_ms = " + excluded("seen_ms")}
	for _, col := range []string{"fallbacks", "missing", "compared", "mismatches"} {
		sets = append(sets, col+" = bgtransform_reads."+col+" + "+excluded(col))
	}
	for _, col := range []string{"last_fallback_ms", "last_missing_ms", "last_mismatch_ms"} {
		sets = append(sets, fmt.Sprintf("%s = CASE WHEN %s > 0 THEN %[2]s ELSE bgtransform_reads.%[1]s END", col, excluded(col)))
	}
	return bun.Safe(lead + strings.Join(sets, ", "))
}

// ForgetReads removes the hours of a transform that are older than [ReadsKept].
func (s *Store) ForgetReads(ctx context.Context, name string) error {
	_, err := s.db.NewDelete().Model((*Reads)(nil)).Where("name = ? AND hour_ms < ? - ?", name, s.now(), ReadsKept.Milliseconds()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove old reads of %q: %w", name, err)
	}
	return nil
}

// ReadHours returns what all instances have counted, an hour each, the oldest first:
// as many as [ReadsKept] has at most. Instance is empty.
func (s *Store) ReadHours(ctx context.Context, name string) ([]Reads, error) {
	return s.sumReads(ctx, name, "hour_ms", "hour_ms")
}

// ReadInstances returns what at most limit instances have counted, those first that
// did last. HourMS is that of their first hour.
func (s *Store) ReadInstances(ctx context.Context, name string, limit int) ([]Reads, error) {
	return s.sumReads(ctx, name, "instance, min(hour_ms) AS hour_ms", "instance", limit)
}

// sumReads adds up the hours that are kept, by a column.
func (s *Store) sumReads(ctx context.Context, name, shown, by string, limit ...int) ([]Reads, error) {
	cols := []string{shown}
	for _, sum := range []string{
		"sum fallbacks", "sum missing", "sum compared", "sum mismatches",
		"min first_ms", "max seen_ms", "max last_fallback_ms", "max last_missing_ms", "max last_mismatch_ms",
	} {
		fn, col, _ := strings.Cut(sum, " ")
		cols = append(cols, fmt.Sprintf("%s(%s) AS %[2]s", fn, col))
	}
	q := s.db.NewSelect().Model((*Reads)(nil)).ColumnExpr(strings.Join(cols, ", ")).
		Where("name = ? AND hour_ms >= ? - ?", name, s.now(), ReadsKept.Milliseconds()).GroupExpr(by)
	if len(limit) > 0 {
		q = q.OrderExpr("seen_ms DESC, instance").Limit(int64(limit[0]))
	} else {
		q = q.OrderExpr("hour_ms")
	}
	var rows []Reads
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read reads of %q: %w", name, s.missing(err))
	}
	return rows, nil
}
