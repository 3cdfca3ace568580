package bgtransform_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Where no transform of the pool needs it, nobody announces itself.
func TestFleetCostsNothingWithoutAMove(t *testing.T) {
	t.Parallel()
	db := newDB(t, 50)
	in := start(t, db, quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	polls := 0
	in.until("x", "idle for a while", func(bgtransform.Status) bool { polls++; return polls > 30 })
	if n := count(t, db, "SELECT count(*) FROM bgtransform_members"); n != 0 {
		t.Errorf("%d members have announced themselves", n)
	}
}
