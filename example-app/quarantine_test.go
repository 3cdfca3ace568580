package main

import (
	"fmt"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// waitsForBad starts an app whose five bad tracks block completion.
func waitsForBad(t *testing.T) (string, *process) {
	t.Helper()
	path := newDatabase(t, "-tracks", "2000", "-bad", "5")
	p := startOn(t, path, []string{"BGTRANSFORM_ROWS_PER_SECOND=20000"}, "-traffic=false")
	eventually(t, "the quarantine blocks completion", func() bool {
		return p.status(t).Reason.Code == bgtransform.ReasonQuarantine
	})
	if st := p.status(t); st.State != bgtransform.StateWaiting || st.Quarantined != 5 || st.Rows != 2000 {
		t.Errorf("status %+v; want it to wait with 5 rows in quarantine and 2000 moved", st)
	}
	p.says(t, moveName+" is waiting: ")
	contains(t, ask(t, path, 0, "status", moveName), "row 1: the length is negative: -1 seconds", "row 5:", "negativeLengthError", "5 rows block completion")
	return path, p
}

func TestFixAndRetry(t *testing.T) {
	t.Parallel()
	path, p := waitsForBad(t)
	for id := 1; id <= 5; id++ {
		code, body := p.send(t, "PUT", fmt.Sprintf("/tracks/%d", id), `{"length_ms": 215400}`, nil)
		if code != 200 {
			t.Fatalf("PUT = %d %s, want 200", code, body)
		}
	}
	ask(t, path, 0, "retry", moveName)
	p.reaches(t, bgtransform.StateComplete)
	p.says(t, "of 2,005 tracks 0 are wrong and 0 are left")
	if st := p.status(t); st.Quarantined != 0 || st.Accepted != 0 {
		t.Errorf("%d rows in quarantine, %d accepted; want none", st.Quarantined, st.Accepted)
	}
}

func TestRetryUnfixed(t *testing.T) {
	t.Parallel()
	path, p := waitsForBad(t)
	ask(t, path, 0, "retry", moveName)
	eventually(t, "the rows were tried again", func() bool {
		st := p.status(t)
		return st.Reason.Code == bgtransform.ReasonQuarantine && st.Pass > 2
	})
	contains(t, ask(t, path, 0, "status", moveName), "tries: 2")
}

func TestAccept(t *testing.T) {
	t.Parallel()
	path, p := waitsForBad(t)
	ask(t, path, 0, "accept", moveName, "--by", "ann")
	p.reaches(t, bgtransform.StateComplete)
	contains(t, ask(t, path, 0, "status", moveName), "accepted by ann", "5 are accepted")
	p.says(t, "of 2,005 tracks 0 are wrong and 0 are left")
	if n := count(t, openTest(t, path), "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 5 {
		t.Errorf("%d rows have no length_ms, want the 5 that were accepted", n)
	}
}
