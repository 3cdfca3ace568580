package bgtransform_test

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// SongLength says how a song's length moves from seconds to milliseconds: once, for
// the request path and for the transform.
func SongLength() dualread.Move[Song, int64] {
	return dualread.Move[Song, int64]{
		Name:       "song-length-ms",
		OldColumns: []string{"length"},
		NewColumns: []string{"length_ms"},
		Forward:    []string{"? * 1000"},
		Backward:   []string{"? / 1000"},
		Old:        func(s *Song) (int64, bool) { return s.Length * 1000, true },
		New: func(s *Song) (int64, bool) {
			if s.LengthMS == nil {
				return 0, false
			}
			return *s.LengthMS, true
		},
		SetOld: func(s *Song, ms int64) { s.Length = ms / 1000 },
		SetNew: func(s *Song, ms int64) { s.LengthMS = &ms },
	}
}

// The transform of a column's move is made of its definition. It finds what was
// never moved, and what an older version of the app has written since.
func ExampleMove() {
	db := songs()
	defer db.Close()
	ctx := context.Background()

	length, err := dualread.New(SongLength())
	if err != nil {
		panic(err)
	}
	song := &Song{ID: 1}
	length.Write(song, 276_500) // a dual write of the app
	if _, err := db.NewUpdate().Model(song).Column(length.Columns()...).WherePK().Exec(ctx); err != nil {
		panic(err)
	}
	old := &Song{ID: 3, Length: 200, LengthMS: new(int64(186_000))} // an old instance has changed length
	if _, err := db.NewUpdate().Model(old).Column("length", "length_ms").WherePK().Exec(ctx); err != nil {
		panic(err)
	}

	sched, err := bgtransform.New(db, exampleConfig())
	if err != nil {
		panic(err)
	}
	if err := sched.Register(bgtransform.Move[Song, int64]{Column: length}); err != nil {
		panic(err)
	}
	st := runUntil(sched, is(bgtransform.StateComplete)) // an app calls sched.Run(ctx)
	fmt.Println(st.State, st.Rows, "rows")

	var all []Song
	if err := db.NewSelect().Model(&all).Order("id").Scan(ctx); err != nil {
		panic(err)
	}
	for _, s := range all {
		fmt.Println(s.Length, "s is", *s.LengthMS, "ms")
	}
	// Output:
	// complete 2 rows
	// 276 s is 276500 ms
	// -1 s is -1000 ms
	// 200 s is 200000 ms
}
