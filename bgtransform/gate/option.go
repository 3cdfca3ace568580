package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Option changes what is weighed.
type Option interface{ apply(c config) config }

type option func(c config) config

func (o option) apply(c config) config { return o(c) }

// config is what the options say. It is not changed once it is made.
type config struct {
	command    string
	calm       time.Duration
	noColumn   bool
	unverified bool

	registry    fleet.Registry // nil: the table in the database
	app         string
	noOldWrites bool

	typed bool     // a name that nobody knows is an error
	names []string // that who asks knows

	data    teller            // of the only transform; nil: not given
	tellers map[string]teller // by the names of transforms
	errs    []error
}

// teller reports by the data alone whether a row is pending.
type teller func(ctx context.Context, db *bun.DB) (bool, error)

// Command says with which words the commands begin that a refusal names, such as
// "myapp transforms" for "myapp transforms finish track-length-ms". The words that
// follow are those of the package adapters/cobracli. Defaults to "transforms".
func Command(words string) Option {
	return option(func(c config) config { c.command = strings.TrimSpace(words); return c })
}

// Data says which rows of the table of M, a bun model, are pending, such as
// "length_ms IS NULL", with arguments as in bun. A transform that has never run is
// complete if there is none. It is for a single transform.
func Data[M any](pending string, args ...any) Option {
	rows := bgtransform.Rows[M]{Pending: pending, PendingArgs: args}
	return option(func(c config) config {
		if strings.TrimSpace(pending) == "" {
			c.errs = append(c.errs, errors.New("the condition of Data is empty"))
		}
		c.data = rows.AnyPending
		return c
	})
}

// Transforms is [Data] from the definitions of transforms, of which the gate takes
// those that it is asked for. All must be a [bgtransform.PendingTeller].
func Transforms(ts ...bgtransform.Transform) Option {
	return option(func(c config) config {
		tellers := map[string]teller{}
		maps.Copy(tellers, c.tellers)
		for _, t := range ts {
			name := t.Definition().Name
			pt, ok := t.(bgtransform.PendingTeller)
			if !ok {
				c.errs = append(c.errs, fmt.Errorf("transform %q cannot tell by the data whether a row is pending (see bgtransform.PendingTeller); use Data", name))
				continue
			}
			tellers[name] = pt.AnyPending
		}
		c.tellers = tellers
		return c
	})
}

// Known is for names that people type. One that nobody knows is no fresh installation then,
// but an error that wraps [bgtransform.ErrUnknownTransform], and says which was meant: one
// that neither this database knows, nor an instance that is alive, nor Transforms, and that
// is not among names, which are those that the code of the app has.
func Known(names ...string) Option {
	return option(func(c config) config {
		c.typed, c.names = true, append(slices.Clip(c.names), names...)
		return c
	})
}

// Quiet says for how long there must have been no read that fell back, or found a
// wrong value, with somebody counting: at most 13 days, because the counts are kept
// for 14. Defaults to 24 hours.
func Quiet(d time.Duration) Option {
	return option(func(c config) config {
		if most := store.ReadsKept - 24*time.Hour; d <= 0 || d > most {
			c.errs = append(c.errs, fmt.Errorf("Quiet is %s; want more than 0 and at most %s, or WithoutColumn", d, most))
		}
		c.calm = d
		return c
	})
}

// WithoutColumn is for a transform without a column on the move, such as one that fills
// a new column from elsewhere: there is no old side that anybody reads, so neither reads
// nor phases are weighed.
func WithoutColumn() Option {
	return option(func(c config) config { c.noColumn = true; return c })
}

// Fleet says where the instances announce themselves: what the app gives to the engine
// as Config.Fleet. Nil, the default, means the table in the app's database.
func Fleet(r fleet.Registry) Option {
	return option(func(c config) config { c.registry = r; return c })
}

// App says which instances count, where several apps announce themselves in one place.
// Empty, the default, means all.
func App(name string) Option {
	return option(func(c config) config { c.app = name; return c })
}

// NoOldWrites asks for more: no instance that is alive writes the old column either. It
// is for a column that even a version which writes it no longer finds once it is gone.
func NoOldWrites() Option {
	return option(func(c config) config { c.noOldWrites = true; return c })
}

// Unverified does without a verification.
func Unverified() Option {
	return option(func(c config) config { c.unverified = true; return c })
}

func newConfig(names []string, opts []Option) (config, error) {
	c := config{command: "transforms", calm: 24 * time.Hour}
	for _, o := range opts {
		c = o.apply(c)
	}
	if len(names) == 0 {
		c.errs = append(c.errs, errors.New("no transform is named"))
	}
	if c.data != nil && len(names) > 1 {
		c.errs = append(c.errs, errors.New("Data is for a single transform; use Transforms for several"))
	}
	return c, errors.Join(c.errs...)
}

// teller returns what tells whether a row of a transform is pending; nil if nothing does.
func (c config) teller(name string) teller {
	if c.data != nil {
		return c.data
	}
	return c.tellers[name]
}

// say spells a command.
func (c config) say(words ...string) string {
	return strings.TrimSpace(c.command + " " + strings.Join(words, " "))
}
