package bgtransform_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:tr"`
	ID            int64  `bun:"id,pk,autoincrement"`
	Title         string `bun:"title"`
	Length        int    `bun:"length"`
	LengthMS      *int64 `bun:"length_ms"`
}

func TestSmoke(t *testing.T) {
	for _, kind := range []string{"rows", "sql"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			sdb, err := sql.Open("sqlite", "file:"+dir+"/x.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate")
			if err != nil {
				t.Fatal(err)
			}
			db := bun.NewDB(sdb, sqlitedialect.New())
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if _, err := db.NewCreateTable().Model((*Track)(nil)).Exec(ctx); err != nil {
				t.Fatal(err)
			}
			tracks := make([]Track, 20000)
			for i := range tracks {
				tracks[i] = Track{Title: fmt.Sprint(i), Length: i}
			}
			if _, err := db.NewInsert().Model(&tracks).Exec(ctx); err != nil {
				t.Fatal(err)
			}
			s, err := bgtransform.New(db, bgtransform.Config{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
				Limits: throttle.Limits{Duty: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if kind == "rows" {
				err = s.Register(bgtransform.Rows[Track]{Name: "x", Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
					Each: func(ctx context.Context, m *Track) error { v := int64(m.Length) * 1000; m.LengthMS = &v; return nil }})
			} else {
				err = s.Register(bgtransform.SQL[Track]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
			}
			if err != nil {
				t.Fatal(err)
			}
			stop, cancel2 := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() { defer close(done); s.Run(stop) }()
			for {
				st, err := s.Status(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if st[0].State == bgtransform.StateComplete || st[0].State == bgtransform.StateFailed || ctx.Err() != nil {
					t.Logf("%+v", st[0])
					break
				}
				<-time.After(20 * time.Millisecond)
			}
			cancel2()
			<-done
			n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms IS NULL OR length_ms <> length*1000").Count(ctx)
			t.Log(n, err)
			if n != 0 {
				t.Fail()
			}
		})
	}
}
