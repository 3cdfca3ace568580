package healthtest

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Track is the table that a run transforms.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// CreateTracks are the statements that make the table.
const CreateTracks = "CREATE TABLE tracks (id bigint PRIMARY KEY, length bigint, length_ms bigint)"

// ToMS is what a run does.
func ToMS() bgtransform.SQL[Track] {
	return bgtransform.SQL[Track]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"}
}

// Run runs a transform until the test ends, and returns how to wait for a status.
func Run(t *testing.T, db *bun.DB, signals []throttle.Signal, transform bgtransform.Transform) func(what string, ok func(bgtransform.Status) bool) bgtransform.Status {
	t.Helper()
	s, err := bgtransform.New(db, bgtransform.Config{
		Environ: []string{}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Signals: signals,
		Limits: throttle.Limits{Duty: 1, RowsPerSecond: 200, MinBatch: 50, StartBatch: 50, MaxBatch: 50},
	})
	if err == nil {
		err = s.Register(transform)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) }) // ends with the test
	t.Cleanup(func() { stop(); running.Wait() })
	return func(what string, ok func(bgtransform.Status) bool) (st bgtransform.Status) {
		t.Helper()
		Until(t, what, func() bool {
			all, err := s.Status(t.Context())
			if err != nil {
				return false
			}
			st = all[0]
			return ok(st)
		})
		return st
	}
}
