package cobracli_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// completions returns what a shell is told for a line whose last word is begun.
func completions(t *testing.T, a app, line ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	root := a.root(&out, &errs)
	root.SetArgs(append([]string{cobra.ShellCompRequestCmd, "transforms"}, line...))
	must(t, root.ExecuteContext(t.Context()))
	return strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", " ")
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "sqlite")
	ops := app{db: d, code: true}
	for what, want := range map[string]string{
		"the app's own, before anything ran": move + "\tpending :4",
	} {
		if got := completions(t, ops, "pause", ""); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	reach(t, start(t, d.seed(t, 10, false), throttle.Limits{}), "it is complete", in(bgtransform.StateComplete))
	ops.wants(t, 0, words("tune "+move+" window=never duty=10%"))
	for _, test := range []struct {
		line []string
		want string
	}{
		{[]string{"verify", "tr"}, move + "\tcomplete :4"},
		{[]string{"verify", "x"}, ":4"},
		{[]string{"verify", move, ""}, ":4"},
		{[]string{"status", move, ""}, ":4"},
		{[]string{"gate", ""}, move + "\tcomplete :4"},
		{[]string{"tune", ""}, move + "\tcomplete :4"},
		{[]string{"tune", move, "batch_"}, "batch_max= batch_min= batch_rows= batch_target= :6"},
		{[]string{"tune", move, "phase="}, "phase=old phase=fallback phase=compare phase=new phase=default :4"},
		{[]string{"tune", move, "window="}, "window=always window=never window=default :4"},
		{[]string{"run-now", "tr"}, move + "\tcomplete :4"},
		{[]string{"run-now", move, "--for", ""}, "1h 2h 4h 8h :36"},
		{[]string{"untune", move, ""}, "duty\t10% window\tnever :4"},
		{[]string{"untune", move, "duty", ""}, "window\tnever :4"},
	} {
		if got := completions(t, ops, test.line...); got != test.want {
			t.Errorf("%q is completed by %q, want %q", test.line, got, test.want)
		}
	}
	if got := completions(t, ops, "pa"); !strings.HasPrefix(got, "pause\tStop a transform") {
		t.Errorf("pa is completed by %q", got)
	}
	gone := app{db: database{"pg", "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"}, code: true}
	if got := completions(t, gone, "pause", ""); got != move+"\tpending :4" {
		t.Errorf("without a database it is %q, want the app's own", got)
	}
}
