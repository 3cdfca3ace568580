package bgtransform

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"

	"github.com/uptrace/bun/dialect"

	own "github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// span is how many keys a walk has found between two places of their order, which
// tells how densely keys stand there.
type span struct {
	seen      int64
	low, high place
}

// place is where a key stands among all that could be: an integer, or the first eight
// bytes of a UUID or of bytes. Places of two sorts are no span.
type place struct {
	at   uint64
	sort byte
}

const (
	noPlace  byte = iota
	integers      // from the smallest on
	prefixes
)

// observe adds a range to the span, or begins a new one with it.
func (w *walker) observe(r keyset.Range) {
	s, hi, lo := &w.span, w.place(r.Hi), w.place(r.Lo)
	w.spreading.walked(r.N, lo, hi)
	if lo.sort == noPlace {
		lo = hi // nobody knows how far before its first key a range of UUIDs begins
		if hi.sort == integers {
			lo.at -= min(lo.at, uint64(r.N))
		}
	}
	if s.seen == 0 || lo != s.high {
		*s = span{low: lo}
	}
	if hi != lo {
		s.seen += int64(r.N)
	}
	s.high = hi
}

// known reports whether the span tells how densely keys stand.
func (s span) known() bool {
	return s.seen > 0 && s.low.sort == s.high.sort && s.high.sort != noPlace && s.high.at > s.low.at
}

// place returns the place of a key of one column.
func (w *walker) place(k keyset.Key) place {
	if len(k) != 1 {
		return place{}
	}
	switch v := k[0].(type) {
	case int64:
		return place{ordinal(v), integers}
	case []byte:
		var first [8]byte
		copy(first[:], v)
		return place{binary.BigEndian.Uint64(first[:]), prefixes}
	case string:
		if w.walk.Keys[0].Kind == own.Other && w.db.Dialect().Name() == dialect.MySQL {
			return place{} // MariaDB sorts its type UUID from the last bytes on
		}
		if at, ok := ofUUID(v); ok {
			return place{at, prefixes}
		}
	}
	return place{}
}

// ofUUID returns the first eight bytes of a text that is a UUID.
func ofUUID(text string) (uint64, bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return 0, false
	}
	first, err := hex.DecodeString(strings.ReplaceAll(text[:18], "-", ""))
	if err != nil || len(first) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(first), true
}

// Remaining implements [Estimator]: for integers, UUIDs and bytes by the span that is
// left, as densely filled as the span walked so far; for all other keys by what the
// database believes the table to hold.
func (w *walker) Remaining(ctx context.Context, after string, walked int64) (int64, error) {
	if w.span.known() && after != "" {
		if n, err := w.left(ctx); err != nil || n >= 0 {
			return n, err
		}
	}
	total, err := w.d.Estimate(ctx, w.db, w.named())
	if err != nil || total < 0 {
		return -1, err
	}
	return max(0, total-walked), nil
}

// left returns how many keys are left, by the last one. It returns -1 when that is no
// place of the span's sort.
func (w *walker) left(ctx context.Context) (int64, error) {
	var last keyset.Key
	err := w.read(ctx, func(ctx context.Context, q own.Querier) (err error) {
		last, err = w.walk.Last(ctx, q)
		return err
	})
	if err != nil {
		return -1, err
	}
	switch s, end := w.span, w.place(last); {
	case last == nil:
		return 0, nil
	case end.sort != s.high.sort:
		return -1, nil
	case end.at <= s.high.at:
		return 0, nil
	default:
		n := float64(end.at-s.high.at) / float64(s.high.at-s.low.at) * float64(s.seen)
		return int64(min(n, math.MaxInt64/2)), nil
	}
}
