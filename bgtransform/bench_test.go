package bgtransform_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

const (
	benchRows  = 100_000
	benchBatch = 1000
)

// BenchmarkBackfill runs the same backfill five ways over equal tables, in
// turn within each iteration, and reports rows per second and the ratios of
// ours to the loops that one would write by hand. Ours includes the second
// pass, which proves that nothing is left.
func BenchmarkBackfill(b *testing.B) {
	ways := []struct {
		name string
		run  func(b *testing.B, db *bun.DB) time.Duration
	}{
		{"bare-sql", timed(bareSQL)},
		{"SQL", ours(toMSBySQL("x"))},
		{"bare-bulk", timed(bareBulk)},
		{"bare-prepared", timed(barePrepared)},
		{"row-by-row", timed(rowByRow)},
		{"Rows", ours(toMS("x"))},
	}
	took := map[string]time.Duration{}
	for b.Loop() {
		for _, way := range ways {
			db := benchDB(b)
			took[way.name] += way.run(b, db)
			if n := count(b, db, "SELECT count(*) FROM tracks WHERE length_ms IS NOT length * 1000"); n != 0 {
				b.Fatalf("%s: %d rows are wrong", way.name, n)
			}
			must(b, db.Close())
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, way := range ways {
		b.ReportMetric(benchRows*float64(b.N)/took[way.name].Seconds(), way.name+"-rows/s")
	}
	ratio := func(ours, theirs string) {
		b.ReportMetric(took[theirs].Seconds()/took[ours].Seconds(), ours+"/"+theirs)
	}
	ratio("SQL", "bare-sql")
	ratio("Rows", "bare-bulk")
	ratio("Rows", "bare-prepared")
	ratio("Rows", "row-by-row")
}

func benchDB(b *testing.B) *bun.DB {
	b.Helper()
	db := open(b, filepath.Join(b.TempDir(), "bench.db"))
	exec(b, db, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, title TEXT, length INTEGER, length_ms INTEGER)")
	exec(b, db, fmt.Sprintf(`INSERT INTO tracks (id, title, length)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT i, 'track number ' || i, i %% 600 FROM n`, benchRows))
	return db
}

func timed(fn func(ctx context.Context, db *bun.DB) error) func(*testing.B, *bun.DB) time.Duration {
	return func(b *testing.B, db *bun.DB) time.Duration {
		b.Helper()
		began := time.Now()
		must(b, fn(b.Context(), db))
		return time.Since(began)
	}
}

// ours runs a transform at full speed with full safety, and takes the time of
// its attempt: without the moment that a starting pool is spread out by.
func ours(tr bgtransform.Transform) func(*testing.B, *bun.DB) time.Duration {
	return func(b *testing.B, db *bun.DB) time.Duration {
		b.Helper()
		cfg := quick(b)
		cfg.Logger = slog.New(slog.DiscardHandler)
		cfg.Limits = throttle.Limits{Duty: 1, MinBatch: benchBatch, StartBatch: benchBatch, MaxBatch: benchBatch}
		clock := &stopwatch{ended: make(chan struct{})}
		cfg.Observer = clock
		in := start(b, db, cfg, tr)
		<-clock.ended
		in.untilState("x", bgtransform.StateComplete)
		in.stop()
		return clock.took
	}
}

// stopwatch measures one attempt.
type stopwatch struct {
	recorder
	began time.Time
	took  time.Duration
	ended chan struct{}
}

func (s *stopwatch) RunStart(ctx context.Context, _ bgtransform.RunStartInfo) (context.Context, string) {
	s.began = time.Now()
	return ctx, ""
}

func (s *stopwatch) RunEnd(context.Context, bgtransform.RunEndInfo) {
	s.took = time.Since(s.began)
	close(s.ended)
}

// bareSQL is the hand-written keyset loop with one UPDATE a range.
func bareSQL(ctx context.Context, db *bun.DB) error {
	for last := int64(0); ; {
		var high sql.NullInt64
		err := db.QueryRowContext(ctx, "SELECT max(id) FROM (SELECT id FROM tracks WHERE id > ? ORDER BY id LIMIT ?)", last, benchBatch).Scan(&high)
		if err != nil || !high.Valid {
			return err
		}
		if _, err := db.ExecContext(ctx, "UPDATE tracks SET length_ms = length * 1000 WHERE id > ? AND id <= ? AND length_ms IS NULL", last, high.Int64); err != nil {
			return err
		}
		last = high.Int64
	}
}

// slim is the model of the best hand-written bun loop.
type slim struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	LengthMS *int64 `bun:"length_ms"`
}

// page reads the next rows as every bare loop does.
func page(ctx context.Context, db bun.IDB, last int64) ([]Track, error) {
	var tracks []Track
	err := db.NewSelect().Model(&tracks).Column("id", "length").Where("id > ? AND length_ms IS NULL", last).
		OrderExpr("id").Limit(benchBatch).Scan(ctx)
	return tracks, err
}

// bareBulk is the hand-written bun loop: select, bulk VALUES update, one
// transaction a batch.
func bareBulk(ctx context.Context, db *bun.DB) error {
	return bareLoop(ctx, db, func(ctx context.Context, tx bun.Tx, tracks []Track) error {
		rows := make([]slim, len(tracks))
		for i, tr := range tracks {
			ms := tr.Length * 1000
			rows[i] = slim{ID: tr.ID, LengthMS: &ms}
		}
		_, err := tx.NewUpdate().Model(&rows).Column("length_ms").Bulk().Exec(ctx)
		return err
	})
}

// barePrepared is the fastest that one can write by hand on SQLite.
func barePrepared(ctx context.Context, db *bun.DB) error {
	return bareLoop(ctx, db, func(ctx context.Context, tx bun.Tx, tracks []Track) error {
		stmt, err := tx.Tx.PrepareContext(ctx, "UPDATE tracks SET length_ms = ? WHERE id = ?")
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, tr := range tracks {
			if _, err := stmt.ExecContext(ctx, tr.Length*1000, tr.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func bareLoop(ctx context.Context, db *bun.DB, write func(ctx context.Context, tx bun.Tx, tracks []Track) error) error {
	for last := int64(0); ; {
		tracks, err := page(ctx, db, last)
		if err != nil || len(tracks) == 0 {
			return err
		}
		last = tracks[len(tracks)-1].ID
		err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return write(ctx, tx, tracks) })
		if err != nil {
			return err
		}
	}
}

// rowByRow is the script: every row an update of its own.
func rowByRow(ctx context.Context, db *bun.DB) error {
	for last := int64(0); ; {
		tracks, err := page(ctx, db, last)
		if err != nil || len(tracks) == 0 {
			return err
		}
		for _, tr := range tracks {
			ms := tr.Length * 1000
			if _, err := db.NewUpdate().Model(&Track{ID: tr.ID, LengthMS: &ms}).Column("length_ms").WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		last = tracks[len(tracks)-1].ID
	}
}
