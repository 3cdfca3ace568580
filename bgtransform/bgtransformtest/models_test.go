package bgtransformtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:t"`

	ID       int64  `bun:"id,pk,autoincrement"`
	Title    string `bun:"title"`
	Length   int64  `bun:"length"`    // seconds
	LengthMS *int64 `bun:"length_ms"` // what the transform fills
	Plays    int64  `bun:"plays"`
}

type Album struct {
	bun.BaseModel `bun:"table:albums"`

	Artist string `bun:"artist,pk"`
	No     int64  `bun:"no,pk"`
	Name   string `bun:"name"`
}

// twenty is a table of 20 tracks: 7 batches.
func twenty() bgtransformtest.Fixture { return tracks(20) }

// five is a table of 5 tracks, for tests that need not show more.
func five() bgtransformtest.Fixture { return tracks(5) }

func tracks(n int) bgtransformtest.Fixture {
	tracks := make([]Track, n)
	for i := range tracks {
		tracks[i] = Track{ID: int64(i + 1), Title: fmt.Sprintf("track %d", i+1), Length: int64(100 + i)}
	}
	return bgtransformtest.Rows(tracks)
}

func toMS(_ context.Context, t *Track) error {
	ms := t.Length * 1000
	t.LengthMS = &ms
	return nil
}

// goodRows is a transform without faults, in Go.
func goodRows() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: "track-length-ms", Pending: "length_ms IS NULL",
		Reads: []string{"length"}, Writes: []string{"length_ms"}, Each: toMS,
	}
}

// goodSQL is a transform without faults, in SQL.
func goodSQL() bgtransform.SQL[Track] {
	return bgtransform.SQL[Track]{Name: "track-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}
}

// custom is a transform of another kind: step is called for each batch, with
// the keys after and up to which it reaches.
type custom struct {
	step func(ctx context.Context, db *bun.DB, from, to int64) (bgtransform.Step, error)
}

func (c custom) Definition() bgtransform.Definition { return bgtransform.Definition{Name: "custom"} }

func (c custom) Open(_ context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	return &customStepper{c, db}, nil
}

type customStepper struct {
	custom
	db *bun.DB
}

func (s *customStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	var from int64
	if req.After != "" {
		if _, err := fmt.Sscan(req.After, &from); err != nil {
			return bgtransform.Step{}, err
		}
	}
	var keys []int64
	err := s.db.NewSelect().Model((*Track)(nil)).Column("id").Where("id > ?", from).Order("id").Limit(int64(req.Limit)).Scan(ctx, &keys)
	if err != nil || len(keys) == 0 {
		return bgtransform.Step{Cursor: req.After, Last: true}, err
	}
	to := keys[len(keys)-1]
	step, err := s.step(ctx, s.db, from, to)
	step.Cursor, step.Keys, step.Last = fmt.Sprint(to), len(keys), len(keys) < req.Limit
	return step, err
}
