package gate_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/fleet/fleettest"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// unreadable fails unless the error is neither a pass nor a refusal.
func unreadable(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: the gate is open", what)
	}
	if refusal, ok := errors.AsType[*gate.Refusal](err); ok {
		t.Errorf("%s: the gate says not yet: %v", what, refusal)
	}
}

// A database that cannot be read is an error: neither a pass nor a refusal.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		data := gate.Data[Track]("length_ms IS NULL")
		unreadable(t, "a table that is not there", gate.Require(t.Context(), db, move, data))
		seed(t, db, 0)
		unreadable(t, "a column that is not there", gate.Require(t.Context(), db, move, gate.Data[Track]("nonsense IS NULL")))

		must(t, store.Create(t.Context(), db))
		exec(t, db, "DROP TABLE bgtransform_reads")
		err := gate.Require(t.Context(), db, move, data)
		if unreadable(t, "tables of an older version", err); err != nil && !strings.Contains(err.Error(), "store.Migrations") {
			t.Errorf("the error is %v, want one that says how to make the tables", err)
		}
		must(t, db.Close())
		unreadable(t, "a closed database", gate.Require(t.Context(), db, move, data))
	})
}

func TestServerThatIsGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pg", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			unreadable(t, "a server that is gone", gate.Require(t.Context(), nowhere(t, kind), move, gate.Data[Track]("length_ms IS NULL")))
		})
	}
}

// A server that falls silent has said neither yes nor not yet, be it in the middle of the
// look at the data.
func TestServerThatFallsSilent(t *testing.T) {
	t.Parallel()
	server := testserver.SharedPostgres(t)
	dsn := server.Database(t)
	seed(t, open(t, "pg", dsn), 0)
	for what, fall := range map[string]func(p *testserver.Proxy){
		"from the start": func(p *testserver.Proxy) { p.Stall(true) },
		"at the look at the data": func(p *testserver.Proxy) {
			p.DropWhen(func(sent []byte) bool { return bytes.Contains(sent, []byte("SELECT 1 FROM")) })
		},
		"cut off at that look too": func(p *testserver.Proxy) {
			p.CutWhen(func(sent []byte) bool { return bytes.Contains(sent, []byte("SELECT 1 FROM")) })
		},
	} {
		proxy := testserver.StartProxy(t, server.Addr())
		db := open(t, "pg", strings.Replace(dsn, server.Addr(), proxy.Addr(), 1))
		fall(proxy)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		unreadable(t, what, gate.Require(ctx, db, move, gate.Data[Track]("length_ms IS NULL")))
		cancel()
	}
}

// While a run is under way the refusal says how many rows are left and when it will be
// complete, and once it is, the gate is one piece further.
func TestGateWhileItRuns(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 400)
		s, _ := start(t, db, throttle.Limits{Duty: 1, RowsPerSecond: 20, StartBatch: 5, MaxBatch: 5}, lengthMS())
		until(t, s, "foretold", func(st bgtransform.Status) bool { return st.Finish.State == bgtransform.ForecastReady })
		m := refused(t, gate.Require(t.Context(), db, move, gate.WithoutColumn()))
		if len(m) != 1 || m[0].Piece != gate.PieceComplete || m[0].Remaining <= 0 || m[0].Until.IsZero() || !strings.Contains(m[0].Text, "complete about ") {
			t.Errorf("while it runs %+v is missing, want rows and a time", m)
		}
	})
}

// The registry may be elsewhere, and whether it can be read is another matter.
func TestAnotherRegistry(t *testing.T) {
	t.Parallel()
	db := newDB(t, "sqlite")
	proven(t, db)
	elsewhere := new(fleettest.Memory)
	reader := fleet.Member{Instance: "web-9", Term: "k9", Stages: map[string]fleet.Stage{move: fleet.Fallback}}
	must(t, elsewhere.Announce(t.Context(), reader, time.Hour))
	if m := refused(t, gate.Require(t.Context(), db, move, gate.Fleet(elsewhere))); len(m) != 1 || m[0].Piece != gate.PiecePhase {
		t.Errorf("missing is %+v, want the phase", m)
	}
	reader.Stages[move] = fleet.New
	must(t, elsewhere.Announce(t.Context(), reader, time.Hour))
	must(t, gate.Require(t.Context(), db, move, gate.Fleet(elsewhere)))
	unreadable(t, "a registry that is away", gate.Require(t.Context(), db, move, gate.Fleet(away{elsewhere})))
}

type away struct{ fleet.Registry }

func (away) Members(context.Context) ([]fleet.Sighting, error) { return nil, errors.New("away") }

// Several are refused in one error, and what makes no sense is an error of its own.
func TestSeveralAndMistakes(t *testing.T) {
	t.Parallel()
	db := newDB(t, "sqlite")
	seed(t, db, 1)
	other := lengthMS()
	other.Name = "other"
	m := refused(t, gate.RequireAll(t.Context(), db, []string{"other", move}, gate.Transforms(lengthMS()), gate.Transforms(other)))
	if len(m) != 2 || m[0].Transform != "other" || m[1].Transform != move {
		t.Errorf("missing is %+v, want a piece of each", m)
	}
	for want, opts := range map[string][]gate.Option{
		"Data is for a single transform": {gate.Data[Track]("length_ms IS NULL")},
		"Data is empty":                  {gate.Data[Track](" ")},
		"at most 312h0m0s":               {gate.Quiet(14 * 24 * 3600e9)},
		"more than 0":                    {gate.Quiet(0)},
		`"custom" cannot tell`:           {gate.Transforms(custom{})},
	} {
		err := gate.RequireAll(t.Context(), db, []string{"other", move}, opts...)
		if unreadable(t, want, err); err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	unreadable(t, "no name", gate.RequireAll(t.Context(), db, nil))
	unreadable(t, "no database", gate.Require(t.Context(), nil, move))
}

type custom struct{ bgtransform.Transform }

func (custom) Definition() bgtransform.Definition { return bgtransform.Definition{Name: "custom"} }
