package bgtransform

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// coming is the range that follows the last one, as the transaction of that has
// found it: on PostgreSQL, a transaction of its own would take two more trips to the
// server. It is a hint: any range that begins behind the cursor
// is right, whatever has become of the transaction.
type coming struct {
	r     keyset.Range
	limit int
	at    time.Time
}

// comingAge is how old a range may be: the app inserts and deletes rows.
const comingAge = time.Second

// lookAhead finds the range after r, where that saves a trip.
func (s *sqlStepper) lookAhead(ctx context.Context, tx bun.Tx, r keyset.Range, limit int) (err error) {
	if r.Last || !s.d.ReadIsTransaction {
		return nil
	}
	began := time.Now()
	defer func() { s.spent += time.Since(began) }()
	s.coming = coming{limit: limit, at: began}
	s.coming.r, err = s.walk.Next(ctx, s.d.Bound(tx), r.Hi, limit)
	return err
}

// came returns the range that a request is for, if it was found already. The last
// one of a pass is looked for again: rows are mostly inserted there.
func (s *sqlStepper) came(req Request) (keyset.Range, bool) {
	c := s.coming
	s.coming = coming{}
	if c.r.N == 0 || c.r.Last || c.limit != req.Limit || req.Skip.Len() > 0 || time.Since(c.at) > comingAge {
		return keyset.Range{}, false
	}
	after, err := c.r.Lo.Encode()
	return c.r, err == nil && after == req.After
}
