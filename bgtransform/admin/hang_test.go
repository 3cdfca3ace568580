package admin

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/bgtransform"
)

// track is a table that nobody reads.
type track struct {
	bun.BaseModel `bun:"table:tracks"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

// hanging is a database that never answers.
type hanging struct{}

func (h hanging) Driver() driver.Driver { return h }

func (hanging) Open(string) (driver.Conn, error) { return nil, driver.ErrBadConn }

func (hanging) Connect(ctx context.Context) (driver.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A transform that somebody watches is not shown as it was, once the database hangs: what
// the instance knows itself is shown, and that the rest cannot be read.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := bun.NewDB(sql.OpenDB(hanging{}), sqlitedialect.New())
		defer func() { _ = db.Close() }()
		sched, err := bgtransform.New(db, bgtransform.Config{Environ: []string{}, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = sched.Register(bgtransform.SQL[track]{Name: "x", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000", Writes: []string{"length_ms"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		b := newBoard(source{sched: sched, control: sched.Control()}, slog.New(slog.DiscardHandler), every)
		s, err := b.sheet(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		b.all.turn <- struct{}{} // somebody else is about to end a reading
		time.AfterFunc(time.Millisecond, func() { <-b.all.turn })
		v, err := s.get(t.Context(), b.every) // as the loop asks for who watches
		if err != nil || v.value.Error == "" || v.value.Status.Transform != "x" {
			t.Errorf("it says %+v, %v; want the transform, and that the rest cannot be read", v, err)
		}
	})
}

// A stream on which nothing happens says that this is so; one that cannot tell ends.
func TestStreamSaysWhatHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, n := time.Now(), 0
		w := httptest.NewRecorder()
		newLine(w).serve(t.Context(), nil, nil, func(context.Context) (string, error) {
			if n++; n == 3 {
				return "", errors.New("the database hangs")
			}
			return `"a"`, nil
		})
		if got, want := w.Body.String(), "id: \"a\"\ndata: \"a\"\n\nevent: same\ndata: \"a\"\n\n"; got != want {
			t.Errorf("the stream says %q, want %q", got, want)
		}
		if took := time.Since(began); took != 2*quietFor {
			t.Errorf("it has ended after %s, want %s", took, 2*quietFor)
		}
		if strings.Contains(w.Body.String(), "hangs") {
			t.Error("the stream tells the error")
		}
	})
}
