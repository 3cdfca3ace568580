package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// pieces returns what the gate says in JSON.
func pieces(t *testing.T, path string, code int, words ...string) (open bool, missing []gate.Piece) {
	t.Helper()
	text := ask(t, path, code, append([]string{"gate", "--json"}, words...)...)
	var answer struct {
		MayContract bool           `json:"may_contract"`
		Missing     []gate.Missing `json:"missing"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%q is no answer: %v", text, err)
	}
	for _, m := range answer.Missing {
		missing = append(missing, m.Piece)
	}
	return answer.MayContract, missing
}

// A new installation may contract, with nothing ever run; one with old rows may not.
func TestGateOfAFreshInstallation(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "0")
	contains(t, ask(t, path, 0, "gate", moveName), "the old column may go")
	if open, missing := pieces(t, path, 0, moveName); !open || len(missing) > 0 {
		t.Errorf("the answer is %t, missing %v", open, missing)
	}
	contains(t, ask(t, path, 2, "gate"), "Name a transform")
	contains(t, ask(t, path, 1, "gate", moveName, "--quiet", "0s"), "Quiet is 0s")

	path = newDatabase(t, "-tracks", "10")
	contains(t, ask(t, path, 3, "gate", moveName), "it has never run, and rows are pending", "example-app transforms finish "+moveName)
	if open, missing := pieces(t, path, 3, moveName); open || len(missing) != 1 || missing[0] != gate.PieceComplete {
		t.Errorf("the answer is %t, missing %v", open, missing)
	}
}

// The old column may not go while the transform runs, nor right after it: each command
// that the gate names brings it one piece further.
func TestGateAndItsCommands(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "5000")
	p := startOn(t, path, []string{"BGTRANSFORM_ROWS_PER_SECOND=200"})
	p.moves(t, 100)
	contains(t, ask(t, path, 3, "gate", moveName), "it is running", "example-app transforms finish "+moveName)
	contains(t, ask(t, path, 0, "finish", moveName, "--by", "ann", "--why", "release 4"), moveName+" is complete", "100% done")
	contains(t, ask(t, path, 0, "log", moveName), "finish by ann: release 4")
	contains(t, ask(t, path, 3, "gate", moveName), "never verified", "example-app transforms verify "+moveName)
	ask(t, path, 0, "verify", moveName)
	eventually(t, "it is verified", func() bool { return !p.status(t).Verified.IsZero() })
	eventually(t, "reads are counted", func() bool { return strings.Contains(ask(t, path, 0, "reads", moveName), "last counted") })
	text := ask(t, path, 3, "gate", moveName)
	contains(t, text, "example-app transforms reads "+moveName)
	if strings.Contains(text, "verified") || strings.Contains(text, "it is ") {
		t.Errorf("what was supplied is missing still:\n%s", text)
	}
	contains(t, ask(t, path, 0, "reads", moveName, "--json"), `"hours":[{`)
}

// A deploy script that is killed while it finishes the transform is called again, and
// an app that runs beside it goes on meanwhile.
func TestFinishKilled(t *testing.T) {
	t.Parallel()
	const tracks = 6000
	path := newDatabase(t, "-tracks", "6000")
	db := audit(t, path)
	app := startOn(t, path, []string{"BGTRANSFORM_ROWS_PER_SECOND=10", "BGTRANSFORM_BATCH_SIZE=10"}, "-traffic=false")
	app.moves(t, 10)
	p := spawn(t, []string{"DATABASE_URL=" + path, "BGTRANSFORM_BATCH_SIZE=10"}, "transforms", "finish", moveName)
	eventually(t, "rows move", func() bool { return count(t, db, "SELECT count(*) FROM audit") > 500 })
	p.signal(t, syscall.SIGKILL)
	p.exit(t)
	if n := count(t, db, "SELECT count(*) FROM audit"); n >= tracks {
		t.Errorf("%d of %d rows had moved when it was killed", n, tracks)
	}
	contains(t, ask(t, path, 0, "finish", moveName), moveName+" is complete")
	app.reaches(t, bgtransform.StateComplete)
	exactlyOnce(t, db, tracks)
}

// What only a human can change ends the command at once, and says what.
func TestFinishRefused(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "10")
	ask(t, path, 0, "pause", moveName, "--by", "ann", "--why", "lunch")
	contains(t, ask(t, path, 3, "finish", moveName), "paused by ann: lunch")
	contains(t, ask(t, path, 4, "finish", "nonsense"), "nonsense")
	contains(t, ask(t, path, 4, "reads", "nonsense"), "no such transform")
	contains(t, ask(t, path, 0, "reads", moveName), "0 fell back, 0 found nothing")
}

// The whole way: once it is complete and verified, and every instance reads the new
// column only, the gate opens.
func TestGateOpens(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "500")
	p := startOn(t, path, nil)
	p.reaches(t, bgtransform.StateComplete)
	ask(t, path, 0, "verify", moveName)
	eventually(t, "it is verified", func() bool { return !p.status(t).Verified.IsZero() })
	contains(t, ask(t, path, 3, "gate", moveName, "--quiet", "1ms"), "reads the old column", "example-app transforms tune "+moveName+" phase=")
	p.signal(t, os.Interrupt)
	p.exit(t)
	startOn(t, path, nil, "-release", "3").url(t, "/")
	eventually(t, "the gate opens", func() bool {
		return spawn(t, []string{"DATABASE_URL=" + path}, "transforms", "gate", moveName, "--quiet", "1ms").exit(t) == 0
	})
}
