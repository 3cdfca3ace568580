package store

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Record is all that is known of one transform, as one query reads it.
type Record struct {
	Transform Transform `bun:"embed:t_"`
	Intent    Intent    `bun:"embed:i_"`
	Range     Range     `bun:"embed:r_"`
	Held      int64     `bun:"held"`     // rows in quarantine that block completion
	Accepted  int64     `bun:"accepted"` // rows in quarantine that an operator accepted
	NowMS     int64     `bun:"now_ms"`   // the server's clock
	At        time.Time `bun:"-"`        // ours, when the server had answered

	Pooled int64 `bun:"pooled"` // how many members of the pool know of a move; see [Store.Pooled]

	// Journal tells whether the journal has an entry that a revert would write
	// back. Only [Store.Act] fills it, for the check of a revert.
	Journal bool `bun:"-"`

	// Refused tells whether the database has refused to write an entry of the
	// journal back. Only [Store.Act] fills it, for the check of a retry.
	Refused bool `bun:"-"`
}

// Load returns the records of the named transforms, ordered by name; of all
// transforms when no name is given. Unknown names are left out. It is one query.
func (s *Store) Load(ctx context.Context, names ...string) ([]Record, error) {
	recs, err := s.load(ctx, s.db, names)
	if err != nil {
		return nil, fmt.Errorf("load transforms: %w", s.missing(err))
	}
	return recs, nil
}

// Get returns the record of one transform, or [ErrNotFound].
func (s *Store) Get(ctx context.Context, name string) (Record, error) {
	return s.get(ctx, s.db, name)
}

func (s *Store) get(ctx context.Context, db bun.IDB, name string) (Record, error) {
	recs, err := s.load(ctx, db, []string{name})
	if err != nil {
		return Record{}, fmt.Errorf("load transform %q: %w", name, s.missing(err))
	}
	if len(recs) == 0 {
		return Record{}, fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return recs[0], nil
}

func (s *Store) load(ctx context.Context, db bun.IDB, names []string) ([]Record, error) {
	count := func(standings ...string) string {
		return "(SELECT count(*) FROM bgtransform_quarantine AS q WHERE q.name = t.name AND q.standing IN ('" +
			strings.Join(standings, "', '") + "'))"
	}
	query := "SELECT " + strings.Join([]string{
		s.columns((*Transform)(nil), "t"), s.columns((*Intent)(nil), "i"), s.columns((*Range)(nil), "r"),
		count(Held, Retrying) + " AS held", count(Accepted) + " AS accepted", s.d.Now + " AS now_ms", s.pooled() + " AS pooled",
	}, ", ") + " FROM bgtransform_transforms AS t" +
		" JOIN bgtransform_intents AS i ON i.name = t.name" +
		" JOIN bgtransform_ranges AS r ON r.name = t.name AND r.range_no = 0"
	var args []any
	if len(names) > 0 {
		query += " WHERE t.name IN (?)"
		args = append(args, bun.List(names))
	}
	var recs []Record
	err := db.NewRaw(query+" ORDER BY t.name", args...).Scan(ctx, &recs)
	now := time.Now()
	for i := range recs {
		recs[i].At = now
	}
	return recs, err
}

// Now returns the time by the server's clock.
func (r Record) Now() int64 { return r.NowMS + time.Since(r.At).Milliseconds() }

// Ago returns how long it is ago that the server's clock showed ms.
func (r Record) Ago(ms int64) time.Duration { return time.Duration(r.Now()-ms) * time.Millisecond }

// Swept is when the walk began since which no instance may have been there that writes only
// the old columns, by the server's clock; 0: not yet. Runs of before that was kept count
// from their start.
func (r Record) Swept() int64 { return cmp.Or(r.Range.SweptMS, r.Transform.StartedMS) }

// columns lists a model's columns under the prefix that [Record] embeds them by.
func (s *Store) columns(model any, alias string) string {
	table := s.db.Table(reflect.TypeOf(model).Elem())
	cols := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		cols[i] = alias + "." + string(f.SQLName) + " AS " + alias + "_" + f.Name
	}
	return strings.Join(cols, ", ")
}

// Intent returns what operators want of one transform. It reads one row by its key.
func (s *Store) Intent(ctx context.Context, name string) (Intent, error) {
	var in Intent
	if err := s.db.NewSelect().Model(&in).Where("name = ?", name).Scan(ctx); err != nil {
		return Intent{}, fmt.Errorf("read intent of %q: %w", name, err)
	}
	return in, nil
}
