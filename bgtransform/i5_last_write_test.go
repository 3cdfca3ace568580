package bgtransform_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform"
)

// vetoing is a connector whose connections refuse as many commits as are armed.
type vetoing struct {
	driver.Connector
	armed *atomic.Int64
}

func (v vetoing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := v.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
		if v.armed.Load() > 0 && v.armed.Add(-1) >= 0 {
			return 1
		}
		return 0
	})
	return conn, nil
}

// The commit that would say "complete" fails, three times over: the transform
// is tried again, and does not stay running for ever.
func TestI5CompleteAlthoughItsLastWriteFails(t *testing.T) {
	t.Parallel()
	base, err := sqlite.NewConnector(dsn(filepath.Join(t.TempDir(), "test.db")))
	must(t, err)
	armed := &atomic.Int64{}
	db := bun.NewDB(sql.OpenDB(vetoing{base, armed}), sqlitedialect.New())
	t.Cleanup(func() { _ = db.Close() })
	seed(t, db, 250)
	audit(t, db)
	cfg := quick(t)
	ended := 0
	cfg.Observer = ender(func(info bgtransform.BatchEndInfo) {
		if info.Pass == 2 && info.Err == nil && info.Remaining == 0 && ended < 3 {
			ended++
			armed.Store(1)
		}
	})
	st := start(t, db, cfg, toMS("x")).untilState("x", bgtransform.StateComplete)
	if ended != 3 || st.Attempt < 4 {
		t.Errorf("%d commits failed in %d attempts, want 3 in 4 or more", ended, st.Attempt)
	}
	wantOnce(t, db, 250)
}

// ender is an observer of the ends of batches.
type ender func(bgtransform.BatchEndInfo)

func (ender) BatchStart(ctx context.Context, _ bgtransform.BatchStartInfo) context.Context {
	return ctx
}

func (e ender) BatchEnd(_ context.Context, info bgtransform.BatchEndInfo) { e(info) }
