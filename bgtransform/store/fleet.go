package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
)

// Fleet is where the instances of a pool announce themselves in a table of the app's
// database, by the database server's clock: what a nil Fleet in the engine's Config
// means. [Create] makes its table.
type Fleet struct{ s *Store }

var _ fleet.Registry = (*Fleet)(nil)

// NewFleet returns the registry in db. It does no I/O; it fails when the database is of
// a kind that is not supported.
func NewFleet(db *bun.DB) (*Fleet, error) {
	s, err := New(db)
	if err != nil {
		return nil, err
	}
	return s.Fleet(), nil
}

// Fleet returns the registry in the store's database.
func (s *Store) Fleet() *Fleet { return &Fleet{s: s} }

// memberRow is one member of a pool.
type memberRow struct {
	bun.BaseModel `bun:"table:bgtransform_members,alias:m"`

	Term      string `bun:"term,pk,type:varchar(64)"`
	Said      string `bun:"said,notnull,type:text"`         // the [fleet.Member] as JSON
	Moves     int64  `bun:"moves,notnull,type:bigint"`      // how many it knows
	JoinedMS  int64  `bun:"joined_ms,notnull,type:bigint"`  // its first announcement
	SeenMS    int64  `bun:"seen_ms,notnull,type:bigint"`    // its last
	ExpiresMS int64  `bun:"expires_ms,notnull,type:bigint"` // when it is gone, or was
}

// Announce implements [fleet.Registry].
func (f *Fleet) Announce(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	said, err := spell(m)
	if err != nil {
		return err
	}
	row := &memberRow{Term: m.Term, Said: said, Moves: int64(len(m.Stages))}
	joined := false
	write := func(ctx context.Context, db bun.IDB) error {
		res, err := db.NewUpdate().Model(row).Column("said", "moves", "seen_ms", "expires_ms").
			Value("seen_ms", "?", f.s.now()).Value("expires_ms", "?", f.s.after(ttl)).WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		joined = true
		_, err = db.NewInsert().Model(row).Value("joined_ms", "?", f.s.now()).
			Value("seen_ms", "?", f.s.now()).Value("expires_ms", "?", f.s.after(ttl)).Ignore().Exec(ctx)
		return err
	}
	if strings.Contains(said, `\`) {
		err = f.s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error { return write(ctx, tx) })
	} else {
		err = write(ctx, f.s.db) // one trip instead of four
	}
	if err != nil || !joined {
		return err
	}
	return f.forget(ctx)
}

// Leave implements [fleet.Registry].
func (f *Fleet) Leave(ctx context.Context, m fleet.Member) error {
	_, err := f.s.db.NewUpdate().Model((*memberRow)(nil)).Set("expires_ms = ?", f.s.now()).
		Where("term = ? AND expires_ms > ?", m.Term, f.s.now()).Exec(ctx)
	return err
}

// Members implements [fleet.Registry].
func (f *Fleet) Members(ctx context.Context) ([]fleet.Sighting, error) {
	var rows []struct {
		Said   string `bun:"said"`
		Joined int64  `bun:"joined"`
		Seen   int64  `bun:"seen"`
		Gone   int64  `bun:"gone"` // not above 0 while it is live
	}
	err := f.s.db.NewRaw("SELECT said, ? - joined_ms AS joined, ? - seen_ms AS seen, ? - expires_ms AS gone"+
		" FROM bgtransform_members WHERE expires_ms > ? - ?", f.s.now(), f.s.now(), f.s.now(), f.s.now(), fleet.Retention.Milliseconds()).Scan(ctx, &rows)
	if err != nil {
		return nil, f.s.missing(err)
	}
	all := make([]fleet.Sighting, len(rows))
	for i, r := range rows {
		s := fleet.Sighting{Live: r.Gone < 0, Joined: age(r.Joined), Seen: age(r.Seen), Gone: age(r.Gone)}
		if err := json.Unmarshal([]byte(r.Said), &s.Member); err != nil {
			return nil, fmt.Errorf("read what a member said: %w", err)
		}
		all[i] = s
	}
	return all, nil
}

// pooled spells how many members know of a move, that were there within the retention.
func (s *Store) pooled() string {
	return fmt.Sprintf("(SELECT count(*) FROM bgtransform_members AS m WHERE m.moves > 0 AND m.expires_ms > %s - %d)", s.d.Now, fleet.Retention.Milliseconds())
}

// Pooled reports whether instances announce themselves in this database because of a
// move: then all that run should.
func (s *Store) Pooled(ctx context.Context) (bool, error) {
	var n int64
	if err := s.db.NewRaw("SELECT "+s.pooled()).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for a pool: %w", s.missing(err))
	}
	return n > 0, nil
}

// forget deletes what nobody needs to remember.
func (f *Fleet) forget(ctx context.Context) error {
	all, err := f.Members(ctx)
	if err != nil {
		return err
	}
	q := f.s.db.NewDelete().Model((*memberRow)(nil)).Where("expires_ms <= ? - ?", f.s.now(), fleet.Retention.Milliseconds())
	if terms := fleet.Forgotten(all, fleet.Retention); len(terms) > 0 {
		q = q.WhereOr("term IN (?) AND expires_ms <= ?", bun.List(terms), f.s.now())
	}
	_, err = q.Exec(ctx)
	return err
}

// spell returns a member as it is stored.
func spell(m fleet.Member) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // fewer backslashes
	if err := enc.Encode(m); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// age returns a number of milliseconds; none if the server's clock was set back.
func age(ms int64) time.Duration { return time.Duration(max(0, ms)) * time.Millisecond }

// Contract writes that a version of the app runs which has no old columns any more of
// some transforms: they must never run again. Names that are not known are left out.
func (s *Store) Contract(ctx context.Context, names []string, instance string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, name := range names {
			res, err := tx.NewUpdate().Model((*Transform)(nil)).Set("contracted_ms = ?", s.now()).
				Where("name = ? AND contracted_ms = 0", name).Exec(ctx)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				continue // known before, or nobody has ever run it
			}
			act := &Action{Name: name, Action: "contract", ByWhom: instance, Why: "its version of the app reads and writes only the new column"}
			if _, err := tx.NewInsert().Model(act).Value("at_ms", "?", s.now()).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write that transforms are contracted: %w", s.missing(err))
	}
	return nil
}
