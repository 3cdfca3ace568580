package main

import (
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// release4 contracts: it does not know the old column any more, which is dropped
// once release 3 has left.
func release4() release {
	return release{
		number:     4,
		does:       "contract: reads and writes length_ms only",
		tracks:     queries[track4, *track4]{milliseconds{}},
		tally:      wrongNew,
		contracted: []string{moveName},
	}
}

// track4 is a row as release 4 knows it.
type track4 struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`
	basics

	LengthMS int64 `bun:"length_ms"`
}

// milliseconds is how release 4 treats a length.
type milliseconds struct{}

var _ lengths[track4] = milliseconds{}

func (milliseconds) Read(t *track4) int64                { return t.LengthMS }
func (milliseconds) Write(t *track4, ms int64)           { t.LengthMS = ms }
func (milliseconds) Columns() []string                   { return []string{"length_ms"} }
func (milliseconds) Expr(...string) schema.QueryAppender { return bun.Safe("track.length_ms") }
