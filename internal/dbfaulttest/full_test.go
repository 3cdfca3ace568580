package dbfaulttest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// There is no room for what a batch writes: the run waits, says so, blames no row,
// and goes on when there is room again.
func TestI9DatabaseFull(t *testing.T) {
	t.Parallel()
	const rows = 3000
	p := shared(t, sqlite)
	db := p.open(t)
	db.SetMaxOpenConns(1) // the limit is the connection's
	p.seed(t, db, rows)
	cfg := quick(t)
	var began bool
	transform := inGo()
	transform.Each, transform.Batch = nil, batchOf(transform.Each, func() {
		if !began {
			began = true
			allow(t, db, number(t, db, "PRAGMA page_count")+5)
		}
	})
	in := start(t, db, cfg, transform)
	st := in.until("no room", func(st bgtransform.Status) bool {
		return st.Why().Code == bgtransform.ReasonDatabase && strings.Contains(strings.ToLower(st.Why().Text), "full")
	})
	if st.Quarantined != 0 || st.State == bgtransform.StateFailed {
		t.Errorf("state %s with %d rows in quarantine", st.State, st.Quarantined)
	}
	allow(t, db, 1<<20)
	st = in.untilState(bgtransform.StateComplete)
	p.wantOnce(t, db, rows, st.Rows)
}

// allow lets the database grow to a number of pages.
func allow(t *testing.T, db *bun.DB, pages int64) {
	t.Helper()
	if got := number(t, db, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); got != pages {
		t.Errorf("max_page_count is %d, want %d", got, pages)
	}
}
