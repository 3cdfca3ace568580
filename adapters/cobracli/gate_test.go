package cobracli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// The gate asks the app's own options, and flags win over them.
func TestGateFlags(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	d.seed(t, 0, false)
	ops := app{db: d, code: true}
	var a cobracli.Answer
	decode(t, ops.wants(t, 0, words("gate "+move+" --json")).out, &a)
	if !a.MayContract || a.Missing == nil || len(a.Missing) > 0 {
		t.Errorf("a fresh installation is answered %+v", a)
	}
	ops.opts = []cobracli.Option{cobracli.WithGate(gate.Quiet(1000 * time.Hour))}
	ops.wants(t, 1, words("gate "+move), "Quiet is 1000h")
	ops.wants(t, 2, words("gate"), "Name a transform")
}

// Of a name that neither the database nor the code nor an instance knows the gate says that,
// as every command does, and nothing of who is in which stage of it.
func TestGateOfAnUnknownName(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	db := d.seed(t, 3, false)
	reach(t, start(t, db, throttle.Limits{}), "it is complete", in(bgtransform.StateComplete))
	registry, err := store.NewFleet(db)
	must(t, err)
	must(t, registry.Announce(t.Context(), fleet.Member{
		Instance: "web-5", Term: "k5", Stages: map[string]fleet.Stage{move: fleet.New, "album-year": fleet.Old},
	}, time.Hour))
	for _, ops := range []app{{db: d}, {db: d, code: true}, {db: d, opts: []cobracli.Option{cobracli.WithGate(gate.Data[Track]("length_ms IS NULL"))}}} {
		for name, want := range map[string]string{
			"track-lenght-ms": `did you mean "` + move + `"?`,
			"album-yaer":      `did you mean "album-year"?`,
			"genre":           "there are album-year, " + move,
		} {
			for _, more := range []string{"", " --json"} {
				r := ops.wants(t, 4, words("gate "+name+more), "no such transform", want)
				if strings.Contains(r.err, "web-5") || strings.Contains(r.err, "tune") || r.out != "" {
					t.Errorf("of a name that nobody knows the gate says %q, and %q on stdout", r.err, r.out)
				}
			}
		}
		ops.wants(t, 3, words("gate album-year"), " the old column: web-")
	}
}
