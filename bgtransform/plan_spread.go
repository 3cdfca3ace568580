package bgtransform

import (
	"context"
	"reflect"

	"github.com/uptrace/bun/dialect"

	own "github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// spreading is where the batches of a plan begin, so that they are spread over the
// table. The zero value spreads nothing.
type spreading struct {
	starts []keyset.Key // up to the column by which they are spread; the first batch's is nil

	// Of a key with places, which need no look into the table.
	first, last place
	seen        int64   // keys walked
	width       float64 // of the places that they stand in
}

// smallTable is how many keys are walked one after the other at most, however many
// batches that is: of so few there is no need for an estimate.
const smallTable = 10_000

// spread finds the beginnings between the table's first key and its last, by the first
// column in which those two differ. It implements planWalk.
func (w *walker) spread(ctx context.Context, n, size int) (string, error) {
	var first, last keyset.Key
	err := w.read(ctx, func(ctx context.Context, q own.Querier) error {
		all, err := w.walk.Next(ctx, q, nil, min(n*size, smallTable))
		if err != nil || all.Last {
			return err
		}
		if first, err = w.walk.First(ctx, q); err == nil {
			last, err = w.walk.Last(ctx, q)
		}
		return err
	})
	if err != nil || first == nil || last == nil {
		return "", err
	}
	c := 0
	for c < len(first) && reflect.DeepEqual(first[c], last[c]) {
		c++
	}
	if c == len(first) || (w.walk.Keys[c].Kind == own.Other && w.db.Dialect().Name() == dialect.MySQL) {
		return "", nil // it has one row, or is sorted by what only MariaDB knows
	}
	starts := make([]keyset.Key, n)
	for i := 1; i < n; i++ {
		start, ok := between(w.walk.Keys[c], first[c], last[c], float64(i)/float64(n))
		if !ok {
			return "", nil
		}
		starts[i] = append(first[:c:c], start)
	}
	w.spreading = spreading{starts: starts}
	if a, b := w.place(first), w.place(last); a.sort != noPlace && a.sort == b.sort && a.at < b.at {
		w.spreading.first, w.spreading.last = a, b
	}
	return w.walk.Keys[c].Name, nil
}

// jump implements planWalk.
func (w *walker) jump(ctx context.Context, cursor string, i int) (string, bool, error) {
	start := w.spreading.starts[i]
	at, err := w.key(cursor)
	if err != nil || start == nil || at == nil {
		return cursor, false, err
	}
	further := false
	if w.spreading.places() {
		further = w.place(at).at < w.place(start).at
	} else {
		// No comparison in Go knows how the database sorts: it is asked for the key
		// that follows, and on which side of the cursor that stands.
		start, further, err = w.followed(ctx, at, start)
	}
	if err != nil || !further {
		return cursor, false, err
	}
	cursor, err = start.Encode()
	return cursor, true, err
}

// followed returns the key in the table that follows start, and whether it is behind at.
func (w *walker) followed(ctx context.Context, at, start keyset.Key) (key keyset.Key, behind bool, err error) {
	err = w.read(ctx, func(ctx context.Context, q own.Querier) (err error) {
		if key, err = w.walk.Beyond(ctx, q, start); err != nil || key == nil {
			return err
		}
		behind, err = w.walk.Follows(ctx, q, key, at)
		return err
	})
	return key, behind, err
}

// places reports whether the keys have places.
func (s *spreading) places() bool { return s.last.sort != noPlace }

// walked adds a range to what density goes by.
func (s *spreading) walked(keys int, lo, hi place) {
	if !s.places() || hi.sort != s.first.sort {
		return
	}
	if lo.sort != hi.sort {
		lo = s.first // the first range
		s.width += s.first.itself()
	}
	s.seen += int64(keys)
	s.width += float64(hi.at - lo.at)
}

// density implements planWalk.
func (w *walker) density() int64 {
	s := &w.spreading
	if !s.places() || s.width <= 0 {
		return 0
	}
	return int64(float64(s.seen) / s.width * (float64(s.last.at-s.first.at) + s.first.itself()))
}

// itself is how much room the key at a place takes: of the prefixes next to none.
func (p place) itself() float64 {
	if p.sort == integers {
		return 1
	}
	return 0
}
