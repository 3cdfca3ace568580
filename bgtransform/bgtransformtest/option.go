package bgtransformtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Option changes how a helper of this package runs a transform.
type Option func(*options)

type options struct {
	batchSize  int
	configure  []func(*bgtransform.Config)
	quarantine int64
	timeout    time.Duration
	without    map[string]map[string]bool // table, column
	mistakes   []string
}

// The defaults: few enough keys that a handful of rows makes several batches,
// and time enough for a slow machine with the race detector on.
const (
	defaultBatchSize = 3
	defaultTimeout   = 30 * time.Second
)

func newOptions(opts []Option) (options, error) {
	o := options{batchSize: defaultBatchSize, timeout: defaultTimeout, without: map[string]map[string]bool{}}
	for _, opt := range opts {
		opt(&o)
	}
	if len(o.mistakes) > 0 {
		return o, fmt.Errorf("bgtransformtest: %s", strings.Join(o.mistakes, "; "))
	}
	return o, nil
}

// WithBatchSize sets how many keys a batch covers, at least 1. It does not
// adapt to how long batches take. Defaults to 3.
func WithBatchSize(keys int) Option {
	return func(o *options) {
		if keys < 1 {
			o.mistakes = append(o.mistakes, fmt.Sprintf("WithBatchSize was given %d; want at least 1", keys))
		}
		o.batchSize = keys
	}
}

// WithConfig lets change edit the engine's configuration, which is set for
// tests when it is called, for each instance anew. An Observer is told besides
// the package's own.
func WithConfig(change func(cfg *bgtransform.Config)) Option {
	return func(o *options) { o.configure = append(o.configure, change) }
}

// WithQuarantine says that exactly so many rows must end in quarantine and
// all others be done, instead of the transform being complete.
func WithQuarantine(rows int) Option {
	return func(o *options) { o.quarantine = int64(rows) }
}

// WithTimeout bounds the life of one instance. Defaults to 30 s.
func WithTimeout(d time.Duration) Option {
	return func(o *options) { o.timeout = d }
}

// WithoutColumns leaves columns, such as "tracks.updated_at", out of every
// comparison, because their values differ from run to run.
func WithoutColumns(columns ...string) Option {
	return func(o *options) {
		for _, name := range columns {
			table, column, ok := strings.Cut(name, ".")
			if !ok {
				o.mistakes = append(o.mistakes, fmt.Sprintf(`WithoutColumns was given %q; want the form "table.column"`, name))
				continue
			}
			if o.without[table] == nil {
				o.without[table] = map[string]bool{}
			}
			o.without[table][column] = true
		}
	}
}
