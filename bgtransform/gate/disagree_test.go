package gate_test

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// What SQL has made of a row of which Go makes nothing keeps the gate shut, and it
// says why, and what to do.
func TestGoAndSQLDisagree(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 5)
		column, err := dualread.New(dualread.Move[Track, int64]{
			Name: move, OldColumns: []string{"length"}, NewColumns: []string{"length_ms"}, Forward: []string{"? * 1000"},
			Old: func(m *Track) (int64, bool) { return m.Length * 1000, m.Length != 3 },
			New: func(m *Track) (int64, bool) {
				if m.LengthMS == nil {
					return 0, false
				}
				return *m.LengthMS, true
			},
			SetOld: func(m *Track, ms int64) { m.Length = ms / 1000 },
			SetNew: func(m *Track, ms int64) { m.LengthMS = &ms },
		})
		must(t, err)
		s, stop := start(t, db, throttle.Limits{Duty: 1}, bgtransform.Move[Track, int64]{Column: column})
		until(t, s, "complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
		must(t, s.Control().Verify(t.Context(), move, bgtransform.VerifyOptions{}, bgtransform.By{Who: "ann"}))
		until(t, s, "verified", func(st bgtransform.Status) bool { return st.Verify != nil && st.Verify.State == bgtransform.VerifyDone })
		stop()
		missing := refused(t, gate.Require(t.Context(), db, move, gate.WithoutColumn()))
		if len(missing) != 1 || missing[0].Piece != gate.PieceVerified {
			t.Fatalf("%+v is missing", missing)
		}
		want := "Go and SQL disagree: Old (Go) finds no value, and Forward (SQL) one (1 row): mend the definition of the move, and verify again"
		if m := missing[0]; !strings.HasSuffix(m.Text, want) || len(m.Commands) != 2 || m.Commands[0] != "transforms mismatches "+move {
			t.Errorf("%q, with the commands %q", m.Text, m.Commands)
		}
	})
}
