package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Rules are the times that a pool goes by. Zero fields mean the defaults. All instances
// of a pool should have the same.
type Rules struct {
	// Every is how often an instance announces itself and looks at the others, while
	// not all that needs the pool is complete. Defaults to 10 s.
	Every time.Duration

	// MinAge is how old the pool must be before a transform begins or a phase advances: for
	// how long some instance has been announcing itself, gaps shorter than MinAge aside. It
	// is for versions of the app without this library, which announce nothing: it should be
	// longer than it takes to replace them all. Defaults to 5 minutes.
	MinAge time.Duration

	// Settle is how long it must be ago that an instance was seen which writes only the old
	// column, before rows are transformed: what it had begun has ended by then.
	// Defaults to 1 minute.
	Settle time.Duration

	// Trust is how old the last look at the pool may be for a run that is under way to
	// go on. Defaults to 2 minutes.
	Trust time.Duration

	// TTL is how long an instance counts as live after its last announcement, and so for how
	// long one that was killed holds up the others. At least three times Every.
	// Defaults to 1 minute.
	TTL time.Duration
}

// WithDefaults returns the rules with every unset field set.
func (r Rules) WithDefaults() Rules {
	r.Every = cmp.Or(r.Every, 10*time.Second)
	r.MinAge = cmp.Or(r.MinAge, 5*time.Minute)
	r.Settle = cmp.Or(r.Settle, time.Minute)
	r.Trust = cmp.Or(r.Trust, 2*time.Minute)
	r.TTL = cmp.Or(r.TTL, time.Minute)
	return r
}

// Validate returns every mistake in one error. Zero fields are none.
func (r Rules) Validate() error {
	r = r.WithDefaults()
	var errs []error
	for _, f := range []struct {
		name         string
		value, least time.Duration
	}{
		{"Every", r.Every, time.Millisecond},
		{"MinAge", r.MinAge, 1},
		{"Settle", r.Settle, 1},
		{"Trust", r.Trust, r.Every},
		{"TTL", r.TTL, 3 * r.Every},
	} {
		if f.value < f.least {
			errs = append(errs, fmt.Errorf("%s is %s; it must be at least %s", f.name, f.value, f.least))
		}
	}
	return errors.Join(errs...)
}
