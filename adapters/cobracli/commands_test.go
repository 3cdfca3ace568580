package cobracli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// An operator's day, on each database: everything is done by commands, to an app that
// runs beside them.
func TestCommandsSteer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		s := start(t, d.seed(t, 3000, true), throttle.Limits{Duty: 1, RowsPerSecond: 200, MaxBatch: 20})
		reach(t, s, "rows move", func(st bgtransform.Status) bool { return st.Rows > 0 })
		ops := app{db: d}

		ops.wants(t, 0, words("list"), move, "running", "TRANSFORM")
		ops.wants(t, 0, append(words("pause "+move+" --by ann --why"), "lunch time"), "asked to pause", "myapp transforms resume "+move)
		reach(t, s, "it is paused", in(bgtransform.StatePaused))
		ops.wants(t, 0, words("explain "+move), "is paused: paused by ann: lunch time", "myapp transforms resume "+move, "pause by ann")
		ops.wants(t, 5, words("pause "+move), "not allowed", "it is paused")
		ops.wants(t, 0, words("tune "+move+" rows-per-second=unlimited duty=90%"), "asked to tune")
		ops.wants(t, 0, words("status "+move), "ROWS_PER_SECOND=unlimited by tester", "pause by ann: lunch time")
		ops.wants(t, 0, words("resume "+move))
		reach(t, s, "the quarantine blocks it", func(st bgtransform.Status) bool { return st.Reason.Code == bgtransform.ReasonQuarantine })
		ops.wants(t, 0, words("status"), "row 1: the length is negative", "1 row blocks completion", "myapp transforms retry "+move)
		ops.wants(t, 0, words("quarantine "+move), "row 1: the length is negative", "tries: 1")
		ops.wants(t, 3, words("gate "+move), "in quarantine", "myapp transforms accept "+move)
		ops.wants(t, 0, words("accept "+move+" --by bob"))
		reach(t, s, "it is complete", in(bgtransform.StateComplete))
		ops.wants(t, 0, words("status --watch --every 100ms "+move), "is complete, 2,999 rows changed, 100% done")
		ops.wants(t, 0, words("verify "+move+" --wait"), "verification done, asked for by tester: 2,999 rows compared, 0 wrong")
		ops.wants(t, 0, words("log "+move), "accept by bob", "pause by ann: lunch time", "tune DUTY=90% (was default), ROWS_PER_SECOND=unlimited (was default) by tester")
		ops.wants(t, 0, words("journal "+move+" -n 3"), "row 3000, run 1, open")
		ops.wants(t, 0, words("reads "+move), "no instance has counted its reads yet")
		ops.wants(t, 0, words("fleet"), "no instance has announced itself")
		ops.wants(t, 0, words("mismatches "+move), move+": nothing")
		ops.wants(t, 0, words("revert "+move+" --yes"))
		reach(t, s, "it is reverted", in(bgtransform.StateReverted))
		ops.wants(t, 0, words("drop-journal "+move+" -y"), "rows of its journal deleted")
		ops.wants(t, 5, words("revert "+move+" --yes"), "not allowed")
	})
}

// What a verification finds is a 3, with the rows and how they were found.
func TestVerifyFinds(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	db := d.seed(t, 100, false)
	s := start(t, db, throttle.Limits{Duty: 1})
	reach(t, s, "it is complete", in(bgtransform.StateComplete))
	_, err := db.NewUpdate().Model((*Track)(nil)).Set("length_ms = 1").Where("id = 7").Exec(t.Context())
	must(t, err)
	ops := app{db: d, code: true}
	ops.wants(t, 3, words("verify "+move+" --wait"), "1 wrong (0 repaired)", "is not verified; myapp transforms mismatches "+move)
	ops.wants(t, 0, words("mismatches "+move), "row 7: value differs (length_ms)")
	var v bgtransform.Verification
	decode(t, ops.wants(t, 0, words("verify "+move+" --wait --repair --json")).out, &v)
	if !v.Clean() || v.Mismatches != 1 || v.Repaired != 1 {
		t.Errorf("the repair came to %+v", v)
	}
	ops.wants(t, 5, words("verify "+move+" --stop"), "no verification is under way")
	for text, want := range map[string]string{"0": "want a share", "120%": "want a share", "x": "want a share"} {
		ops.wants(t, 2, []string{"verify", move, "--sample", text}, want)
	}
	ops.wants(t, 2, words("verify "+move+" --stop --repair"), "--stop ends")
}

// plan and finish do the work of the app's code in the process of the command.
func TestPlanAndFinish(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		db := d.seed(t, 500, false)
		ops := app{db: d, code: true}
		if d.kind == "sqlite" { // by the app's options, else by a flag
			ops.opts = []cobracli.Option{cobracli.WithGate(gate.WithoutColumn())}
		}
		ops.wants(t, 0, words("list"), "its tables do not exist: either no instance of the app has started here, or its user may not make them")
		ops.wants(t, 0, words("explain "+move), "store.Migrations", "start the app", "myapp transforms plan "+move)
		ops.wants(t, 3, words("gate "+move), "it has never run, and rows are pending", "myapp transforms finish "+move)
		ops.wants(t, 0, words("plan "+move+" --examples 1"), "nothing was written", "500 keys", "length_ms: NULL -> ")
		ops.wants(t, 0, words("finish "+move+" --by ann --why release-4"), move+" is complete, 500 rows changed")
		if n, err := db.NewSelect().Model((*Track)(nil)).Where("length_ms IS NULL").Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d rows are pending, %v; want none", n, err)
		}
		ops.wants(t, 0, words("log "+move), "finish by ann: release-4")
		ops.wants(t, 3, words("gate "+move), "it was never verified", "myapp transforms verify "+move)
		flags := " --unverified"
		if d.kind != "sqlite" {
			ops.wants(t, 3, words("gate "+move+" --unverified"), "gate.WithoutColumn")
			flags += " --without-column"
		}
		ops.wants(t, 0, words("gate "+move+flags), move+": the old column may go")
	})
}

// What only a human can change ends finish with a 3.
func TestFinishOfWhatIsPaused(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	ops := app{db: d, code: true}
	s := start(t, d.seed(t, 2000, false), throttle.Limits{Duty: 1, RowsPerSecond: 50, MaxBatch: 5})
	reach(t, s, "rows move", func(st bgtransform.Status) bool { return st.Rows > 0 })
	ops.wants(t, 0, words("pause "+move+" --by ann --why lunch"))
	reach(t, s, "it is paused", in(bgtransform.StatePaused))
	ops.wants(t, 3, words("finish "+move), "paused by ann: lunch")
	ops.wants(t, 0, words("cancel "+move+" --yes"))
	reach(t, s, "it is cancelled", in(bgtransform.StateCancelled))
	ops.wants(t, 3, words("status -w"), "is cancelled")
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil || strings.Count(text, "\n") != 1 {
		t.Errorf("%q is no line of JSON: %v", text, err)
	}
}

// Programs get one line of JSON on stdout from each command, of the documented shape.
func TestJSON(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	s := start(t, d.seed(t, 50, true), throttle.Limits{Duty: 1})
	reach(t, s, "the quarantine blocks it", func(st bgtransform.Status) bool { return st.Reason.Code == bgtransform.ReasonQuarantine })
	ops := app{db: d, code: true}
	type named struct{ Transform, State, Action, By, Why, Means string }
	shapes := []struct {
		line string
		code int
		want string // what must be somewhere in it
		into any
	}{
		{"list", 0, `"quarantined":1`, &[]named{}},
		{"status " + move, 0, `"reason":{"code":"quarantine"`, &[]named{}},
		{"explain " + move, 0, `"commands":[{"command":"myapp transforms quarantine ` + move, &named{}},
		{"plan " + move, 0, `"transform":"` + move, &named{}},
		{"pause " + move + " --why x", 0, `{"transform":"` + move + `","action":"pause","by":"tester","why":"x"}`, &named{}},
		{"tune " + move + " duty=50%", 0, `"action":"tune"`, &named{}},
		{"untune " + move, 0, `"action":"untune"`, &named{}},
		{"resume " + move, 0, `"action":"resume"`, &named{}},
		{"log " + move, 0, `"action":"pause"`, &[]named{}},
		{"quarantine " + move, 0, `"message":"the length is negative"`, &[]named{}},
		{"mismatches " + move, 0, `[]`, &[]named{}},
		{"journal " + move, 0, `"standing":"open"`, &[]named{}},
		{"reads " + move, 0, `"hours":[]`, &named{}},
		{"fleet", 0, `[]`, &[]named{}},
		{"gate " + move, 3, `{"may_contract":false,"missing":[{"transform":"` + move, &named{}},
	}
	for _, shape := range shapes {
		r := ops.wants(t, shape.code, append(words(shape.line), "--json"))
		decode(t, r.out, shape.into)
		if !strings.Contains(r.out, shape.want) || r.err != "" {
			t.Errorf("%s --json: %s and %q on stderr, want %s in it and nothing", shape.line, r.out, r.err, shape.want)
		}
	}
	if r := ops.wants(t, 4, words("explain nobody --json"), "no such transform"); r.out != "" {
		t.Errorf("with an error there is %q on stdout, want nothing", r.out)
	}
}

// A command line that makes no sense is a 2, and the error says what would.
func TestMistakes(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	reach(t, start(t, d.seed(t, 1, false), throttle.Limits{}), "it is complete", in(bgtransform.StateComplete))
	ops := app{db: d, code: true}
	for line, want := range map[string]string{
		"paus " + move:                      `unknown command "paus" for "myapp transforms"; did you mean pause?`,
		"xyzzy":                             "there are accept, cancel, drop-journal",
		"pause":                             "Name a transform",
		"pause " + move + " now":            "too many words",
		"pause " + move + " --who me":       "unknown flag: --who",
		"list all":                          "list takes none",
		"tune " + move:                      "Name a setting and its value",
		"tune " + move + " duty":            "want duty=VALUE, or duty=default",
		"tune " + move + " duty=200%":       `DUTY="200%": valid is a share`,
		"tune " + move + " dutty=10%":       "DUTTY cannot be changed; what can is BATCH_MAX",
		"tune " + move + " duty=1 DUTY=0.5": "given twice",
		"untune " + move + " dutty":         "dutty is no setting; there are batch_max",
		"pause " + move + " --by=":          "--by is empty",
		"log " + move + " -n 0":             "--limit is 0",
		"plan " + move + " --batches 0":     "want 1 to 100 batches",
		"status -w --every 1ms":             "want 100ms or more",
		"cancel " + move:                    "nobody is at a terminal: give --yes",
		"restart " + move:                   "walked once more",
		"revert " + move:                    "rolled back",
		"run-now " + move:                   "peak hours",
		"drop-journal " + move:              "no revert any more",
	} {
		ops.wants(t, 2, words(line), want)
	}
	for _, what := range words("status explain plan pause resume cancel restart retry accept tune untune run-now verify revert finish gate reads log quarantine mismatches journal drop-journal") {
		line := words(what + " track-lenght-ms")
		if what == "tune" {
			line = append(line, "duty=1")
		}
		ops.wants(t, 4, line, `did you mean "`+move+`"?`)
	}
	ops.wants(t, 5, words("untune "+move), "nobody has changed")
	ops.wants(t, 1, words("gate "+move+" --quiet 0s"), "Quiet is 0s")
	app{db: d}.wants(t, 1, words("plan "+move), "App.Scheduler is nil")
	ops.wants(t, 0, words("tune --help"), "rows_per_second  ceiling for changed rows")
	app{db: database{"pg", "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"}}.wants(t, 1, words("list"), "connect")
}

// On a terminal a person is asked, and only a yes is one.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	s := start(t, d.seed(t, 3000, false), throttle.Limits{Duty: 1, RowsPerSecond: 50, MaxBatch: 5})
	reach(t, s, "rows move", func(st bgtransform.Status) bool { return st.Rows > 0 })
	for _, answer := range []string{"", "\n", "n\n", "maybe\n"} {
		r := app{db: d, terminal: true, stdin: strings.NewReader(answer)}.wants(t, 1, words("cancel "+move), "nothing was done")
		if !strings.Contains(r.err, "Give "+move+" up?") || r.out != "" {
			t.Errorf("after %q it said %q and %q; want the question on stderr", answer, r.out, r.err)
		}
	}
	app{db: d, terminal: true, stdin: strings.NewReader("y\n")}.wants(t, 4, words("cancel track-lenght-ms"), "did you mean")
	if st := reach(t, s, "rows move", func(st bgtransform.Status) bool { return st.Rows > 0 }); st.State != bgtransform.StateRunning {
		t.Errorf("without a yes it is %s", st.State)
	}
	app{db: d, terminal: true, stdin: strings.NewReader("Yes\n")}.wants(t, 0, words("cancel "+move), "asked to cancel")
	reach(t, s, "it is cancelled", in(bgtransform.StateCancelled))
}

// The command may have another name, and its refusals and advice go by it.
func TestWithName(t *testing.T) {
	t.Parallel()
	a := app{db: newDatabase(t, "sqlite"), code: true, opts: []cobracli.Option{cobracli.WithName("backfills")}}
	a.db.seed(t, 1, false)
	var out bytes.Buffer
	root := a.root(&out, &out)
	root.SetArgs(words("backfills explain " + move))
	must(t, root.ExecuteContext(t.Context()))
	if want := "myapp backfills plan " + move; !strings.Contains(out.String(), want) {
		t.Errorf("it says %q, want %q in it", out.String(), want)
	}
}
