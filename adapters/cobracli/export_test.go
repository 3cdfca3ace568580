package cobracli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Surroundings sets what commands find around them: variables, terminals and the clock.
func Surroundings(getenv func(string) string, terminal func(stream any) bool, now func() time.Time) Option {
	return option(func(c config) config { c.getenv, c.terminal, c.now = getenv, terminal, now; return c })
}

func testSession(out io.Writer, opts []Option) *session {
	return &session{config: newConfig(opts), path: "myapp transforms", out: out, err: out, cmd: &cobra.Command{Use: "test"}}
}

// StatusText is what status shows of a transform.
func StatusText(out io.Writer, st bgtransform.Status, rows []bgtransform.QuarantinedRow, actions []bgtransform.Action, opts ...Option) string {
	return testSession(out, opts).statusText(details{st, rows, actions})
}

// ListText is what list shows.
func ListText(all []bgtransform.Status, opts ...Option) string {
	return testSession(io.Discard, opts).listText(all)
}

// ExplainText is what explain shows.
func ExplainText(st bgtransform.Status, last []bgtransform.Action, opts ...Option) string {
	s := testSession(io.Discard, opts)
	return s.explainText(s.explanation(st), last)
}

// Watch follows what look returns, as status --watch does.
func Watch(ctx context.Context, out io.Writer, json bool, look func(ctx context.Context) ([]bgtransform.Status, error), opts ...Option) error {
	s := testSession(out, opts)
	s.json = json
	return s.follow(ctx, time.Second, look)
}

// Meant reports whether a reason has a meaning.
func Meant(code bgtransform.ReasonCode) bool { return meanings()[code].text != "" }

// FleetText is what fleet shows.
func FleetText(all []bgtransform.PoolMember, opts ...Option) string {
	return testSession(io.Discard, opts).fleetText(all)
}
