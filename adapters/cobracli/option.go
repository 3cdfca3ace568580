package cobracli

import (
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// Option changes the commands.
type Option interface{ apply(c config) config }

type option func(c config) config

func (o option) apply(c config) config { return o(c) }

// config is what the options say. It is not changed once it is made.
type config struct {
	name string
	gate []gate.Option

	getenv   func(string) string
	terminal func(stream any) bool
	now      func() time.Time
}

// WithName says under which word the commands are mounted. Defaults to "transforms".
func WithName(word string) Option {
	return option(func(c config) config { c.name = strings.TrimSpace(word); return c })
}

// WithGate says what the gate weighs, such as gate.WithoutColumn or gate.Quiet. The
// definitions of the registered transforms, the registry of the pool and the words of
// its commands are given to it already; flags of the command line win.
func WithGate(opts ...gate.Option) Option {
	return option(func(c config) config { c.gate = append(slices.Clip(c.gate), opts...); return c })
}

func newConfig(opts []Option) config {
	c := config{name: "transforms", getenv: os.Getenv, terminal: isTerminal, now: time.Now}
	for _, o := range opts {
		c = o.apply(c)
	}
	return c
}

// isTerminal reports whether a stream is a device that shows or reads characters.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}

// live reports whether lines on a stream may have colours and change in place.
func (c config) live(w io.Writer) bool {
	return c.terminal(w) && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
}
