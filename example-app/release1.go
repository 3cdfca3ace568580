package main

import (
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// release1 is the app as it was: it knows nothing of a rename. It has the library
// already, so that the releases after it see that it is there.
func release1() release {
	return release{
		number: 1,
		does:   "before: reads and writes length only",
		tracks: queries[track1, *track1]{seconds{}},
		tally:  wrongOld,
	}
}

// track1 is a row as release 1 knows it.
type track1 struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`
	basics

	Length int64 `bun:"length"` // whole seconds
}

// seconds is how release 1 treats a length.
type seconds struct{}

var _ lengths[track1] = seconds{}

func (seconds) Read(t *track1) int64                { return t.Length * 1000 }
func (seconds) Write(t *track1, ms int64)           { t.Length = ms / 1000 }
func (seconds) Columns() []string                   { return []string{"length"} }
func (seconds) Expr(...string) schema.QueryAppender { return bun.Safe("track.length * 1000") }
