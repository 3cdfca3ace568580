package bgtransform_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// planOf plans a transform of a scheduler that never runs.
func planOf(t *testing.T, db *bun.DB, cfg bgtransform.Config, o bgtransform.PlanOptions, tr bgtransform.Transform) bgtransform.Plan {
	t.Helper()
	s, err := bgtransform.New(db, cfg)
	must(t, err)
	must(t, s.Register(tr))
	plan, err := s.Plan(t.Context(), tr.Definition().Name, o)
	must(t, err)
	return plan
}

// tracksDump is all that is in the table.
func tracksDump(t *testing.T, db *bun.DB) string {
	t.Helper()
	var all []Track
	must(t, db.NewSelect().Model(&all).Order("id").Scan(t.Context()))
	text, err := json.Marshal(all)
	must(t, err)
	return string(text)
}

// tables counts the tables of this package.
func tables(t *testing.T, db *bun.DB) int64 {
	t.Helper()
	query := "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'bgtransform%' AND table_schema = "
	if kind := db.Dialect().Name(); kind == dialect.SQLite {
		query = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'bgtransform%'"
	} else {
		query += map[dialect.Name]string{dialect.PG: "current_schema()", dialect.MySQL: "database()"}[kind]
	}
	return count(t, db, query)
}

// A plan finds, changes and refuses what a run would, and leaves nothing behind: no
// row, no table, nothing of a run.
func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 5000)
		exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id % 2 = 0")
		exec(t, db, "UPDATE tracks SET length = -1 WHERE id IN (1, 5)")
		before := tracksDump(t, db)
		cfg := quick(t)
		cfg.Window = window.MustParse("0 22 * * * for 8h in UTC")
		for _, kind := range []bgtransform.Transform{toMSUnlessNegative("rows"), bgtransform.SQL[Track]{
			Name: "sql", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000", Writes: []string{"length_ms"},
		}} {
			plan := planOf(t, db, cfg, bgtransform.PlanOptions{Batches: 10, Examples: 2}, kind)
			keys, found, changed := 0, 0, 0
			for _, b := range plan.Batches {
				keys, found, changed = keys+b.Keys, found+b.Found, changed+b.Changed
			}
			bad := plan.Quarantined["*bgtransform_test.negativeError"]
			if keys != 1000 || found != 500 || changed+bad != found || (bad != 2) == (kind.Definition().Name == "rows") {
				t.Errorf("%s: the sample has %d keys, %d found, %d changed, %d bad; want 1000, 500 and two bad ones in Rows", plan.Transform, keys, found, changed, bad)
			}
			if plan.Keys != 5000 || plan.Pending != 2500 || plan.Part != bgtransform.PlanSpread || plan.SpreadBy != "id" || len(plan.Warnings) != 0 || len(plan.Accesses) == 0 {
				t.Errorf("%s: the plan is %+v; want 5000 keys, half of them pending, and nothing to warn of", plan.Transform, plan)
			}
			if f := plan.Finish; f.State != bgtransform.ForecastReady || !cfg.Window.Contains(f.At.Add(-1)) || f.Windows != 1 || f.Left <= 0 {
				t.Errorf("%s: the finish is %+v, want one in the window", plan.Transform, f)
			}
			if len(plan.Examples) != 2 || plan.Examples[1].Before["length_ms"] != "NULL" || !strings.HasSuffix(plan.Examples[1].After["length_ms"], "000") {
				t.Errorf("%s: the examples are %+v, want rows before and after", plan.Transform, plan.Examples)
			}
		}
		if after := tracksDump(t, db); after != before {
			t.Error("the rows are not what they were")
		}
		if n := tables(t, db); n != 0 {
			t.Errorf("there are %d tables of this package, want none", n)
		}
	})
}

type negativeError struct{}

func (*negativeError) Error() string { return "secret" }

func toMSUnlessNegative(name string) bgtransform.Rows[Track] {
	r := toMS(name)
	each := r.Each
	r.Each = func(ctx context.Context, m *Track) error {
		if m.Length < 0 {
			return &negativeError{}
		}
		return each(ctx, m)
	}
	return r
}

// A plan beside a run takes no part in it: the fence, the cursor and the counts stay.
func TestPlanLeavesTheFenceAlone(t *testing.T) {
	t.Parallel()
	db := newDB(t, 3000)
	in := start(t, db, quick(t), toMS("x"))
	done := in.untilState("x", bgtransform.StateComplete)
	plan, err := in.Plan(t.Context(), "x", bgtransform.PlanOptions{})
	must(t, err)
	if plan.Pending != 0 {
		t.Errorf("%d rows are pending of what is complete", plan.Pending)
	}
	all, err := in.Status(t.Context())
	must(t, err)
	if got := all[0]; got.Attempt != done.Attempt || got.Batches != done.Batches || got.Rows != done.Rows || got.State != done.State {
		t.Errorf("the status was %+v, and is %+v", done, got)
	}
}

// Looked is a table that the condition looks into, row by row.
type looked struct {
	bun.BaseModel `bun:"table:looked"`

	ID      int64 `bun:"id,pk"`
	TrackID int64 `bun:"track_id"`
}

// A condition may look into another table, which has no index for that: each batch
// would read all of it.
func TestPlanWarnsOfWholeTables(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 2000)
		must(t, errOf(db.NewCreateTable().Model((*looked)(nil)).Exec(t.Context())))
		for from := 0; from < 20_000; from += 5000 {
			rows := make([]looked, 5000)
			for i := range rows {
				rows[i] = looked{ID: int64(from + i + 1), TrackID: int64(from + i + 1)}
			}
			must(t, errOf(db.NewInsert().Model(&rows).Exec(t.Context())))
		}
		analyze := map[dialect.Name]string{dialect.PG: "ANALYZE", dialect.MySQL: "ANALYZE TABLE tracks, looked", dialect.SQLite: "ANALYZE"}
		exec(t, db, analyze[db.Dialect().Name()])
		tr := toMSBySQL("x")
		tr.Pending = "length_ms IS NULL AND (SELECT count(*) FROM looked WHERE looked.track_id = track.id) > 0"
		if db.Dialect().Name() == dialect.SQLite {
			tr.Pending = strings.ReplaceAll(tr.Pending, "track.id)", "+track.id + 0)")
		}
		cfg := quick(t)
		cfg.Limits.StartBatch, cfg.Limits.MinBatch, cfg.Limits.MaxBatch = 20, 20, 20
		o := bgtransform.PlanOptions{Batches: 2}
		plan := planOf(t, db, cfg, o, tr)
		if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "the whole of table looked") || !strings.Contains(plan.String(), "WARNING") {
			t.Errorf("the warnings are %q, of the accesses %+v; want one of the table looked", plan.Warnings, plan.Accesses)
		}
		exec(t, db, "CREATE INDEX looked_track ON looked (track_id)")
		exec(t, db, analyze[db.Dialect().Name()])
		if plan = planOf(t, db, cfg, o, tr); len(plan.Warnings) != 0 {
			t.Errorf("with an index there are warnings: %q, of %+v", plan.Warnings, plan.Accesses)
		}
	})
}

// What a sample says of the whole is near what the whole takes: the sample tells
// rows that are done from rows that are not, wherever they stand.
func TestPlanForetellsTheRun(t *testing.T) {
	t.Parallel()
	db := newDB(t, 4000)
	exec(t, db, "UPDATE tracks SET length_ms = 1 WHERE id > 2000")
	tr := toMS("x")
	tr.Each = nil
	tr.Batch = func(_ context.Context, ms []*Track) error {
		timer := time.NewTimer(time.Duration(len(ms)) * 500 * time.Microsecond)
		defer timer.Stop()
		<-timer.C
		for _, m := range ms {
			m.LengthMS = new(m.Length * 1000)
		}
		return nil
	}
	cfg := quick(t)
	cfg.Limits = throttle.Limits{Duty: 1, MinBatch: 100, StartBatch: 100, MaxBatch: 100}
	plan := planOf(t, db, cfg, bgtransform.PlanOptions{}, tr)
	// At the least the user's code: 2000 rows of half a millisecond, of which a part is
	// in the sample. At the most, what no machine makes of it.
	if plan.Finish.Left < 500*time.Millisecond || plan.Finish.Left > 10*time.Minute {
		t.Errorf("foretold were %s of work, want a second", plan.Finish.Left)
	}
	if plan.Pending < 1500 || plan.Pending > 2500 {
		t.Errorf("about %d rows are pending, want 2000", plan.Pending)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	db := newDB(t, 10)
	s, err := bgtransform.New(db, quick(t))
	must(t, err)
	gone := bgtransform.SQL[looked]{Name: "gone", Pending: "track_id = 0", Set: "track_id = 1"}
	must(t, s.Register(gone, toMS("x")))
	for name, want := range map[string]string{
		"nobody": "not registered", "gone": `table "looked" does not exist`,
	} {
		if _, err := s.Plan(t.Context(), name, bgtransform.PlanOptions{}); err == nil || (name == "nobody") != errors.Is(err, bgtransform.ErrUnknownTransform) || (name != "nobody" && !strings.Contains(err.Error(), want)) {
			t.Errorf("a plan of %s: %v, want an error with %q", name, err, want)
		}
	}
	if _, err := s.Plan(t.Context(), "x", bgtransform.PlanOptions{Batches: -1}); err == nil {
		t.Error("a plan of less than no batches is no error")
	}
}

// I8: what a plan says, unless examples are asked for, quotes no row.
func TestI8PlanShowsNoValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1000)
		exec(t, db, "UPDATE tracks SET length = 987654321, id = id + 987654000, title = 'hunter2'")
		tr := toMS("x")
		tr.Reads = []string{"length", "title"}
		tr.Each = func(_ context.Context, m *Track) error { return fmt.Errorf("%s is bad", m.Title) }
		plan := planOf(t, db, quick(t), bgtransform.PlanOptions{Batches: 3}, tr)
		text, err := json.Marshal(plan)
		must(t, err)
		for _, said := range []string{string(text), plan.String()} {
			if strings.Contains(said, "987654") || strings.Contains(said, "hunter2") {
				t.Errorf("a plan quotes a row: %s", said)
			}
		}
		if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "quarantine") {
			t.Errorf("the warnings are %q, want one that all rows would go to quarantine", plan.Warnings)
		}
	})
}
