package throttle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Signal is one fact about the health of the app or its database, and how it is
// watched. [Func] makes one of any number that the app knows, [Pool] one of its
// connection pool; the adapters have those of the databases. The zero value of each
// field but Name and Read means its default.
type Signal struct {
	// Name says what is watched, short and stable, such as "replica-lag". It goes
	// into logs and reasons.
	Name string

	// Read takes one cheap look. Its context ends after Every, but not before 2 s
	// and not after 5 s. It is not called again before it has returned, and may be
	// called from any goroutine. A panic is an error, and one that never returns
	// costs its goroutine. Only the text of an [UnreadableError] is shown.
	Read func(ctx context.Context) (Reading, error)

	// Every is how long to wait between two looks. A look that fails is followed by
	// longer waits, up to Stale. Defaults to 1 s.
	Every time.Duration

	// Settle is how long the readings have to stay lower until the level falls. It
	// rises at once. Defaults to 3 × Every.
	Settle time.Duration

	// Stale is for how long a reading holds. An older one is not known. It is
	// Every at least. Defaults to 5 × Every, but 5 s at least.
	Stale time.Duration

	// Unknown is what is asked for while nothing is known, because Read fails, or
	// does not return. Defaults to Normal, which goes on as if nothing was wrong.
	Unknown Level
}

// Reading is what one look has found.
type Reading struct {
	// Level is what it asks for.
	Level Level

	// Reason says why for an operator, such as "replica lag 3.2 s > 2 s". It is not
	// needed at the level Normal. It must not quote rows.
	Reason string
}

// UnreadableError is the error of a [Signal] whose text may be shown: it says what
// is missing, and quotes nothing. Of other errors only the type is shown.
type UnreadableError struct {
	Text string // such as "the database user needs the role pg_monitor"
	Err  error  // behind it, or nil
}

// Error returns the text.
func (e *UnreadableError) Error() string { return e.Text }

// Unwrap returns what is behind it.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Validate returns an error that names each field which is not valid; nil if there
// is none.
func (s Signal) Validate() error {
	var errs []error
	bad := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("throttle: signal %q: "+format, append([]any{s.Name}, args...)...))
		}
	}
	bad(s.Name != "" && len(s.Name) <= 100 && !strings.ContainsFunc(s.Name, notInName), "Name is not valid; want 1 to 100 lower-case letters, digits, '-', '_' and '.'")
	bad(s.Read != nil, "Read is nil")
	bad(s.Every >= 0, "Every is %s; want a duration more than 0, or 0 for the default of 1s", s.Every)
	bad(s.Settle >= 0, "Settle is %s; want a duration more than 0, or 0 for the default of 3 × Every", s.Settle)
	bad(s.Stale == 0 || s.Stale >= s.Every, "Stale is %s; want Every, which is %s, at least, or 0 for the default", s.Stale, s.Every)
	bad(s.Unknown >= Normal && s.Unknown <= Critical, "Unknown is %s; want Normal, Slow, Stop or Critical", s.Unknown)
	return errors.Join(errs...)
}

func notInName(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r)
}

const (
	defaultEvery = time.Second

	// leastTimeout and leastStale leave room for a database that is busy, which is
	// when the answer matters. The first batch waits for mostTimeout at most.
	leastTimeout = 2 * time.Second
	mostTimeout  = 5 * time.Second
	leastStale   = 5 * time.Second
)

func (s Signal) withDefaults() Signal {
	s.Every = cmp.Or(s.Every, defaultEvery)
	s.Settle = cmp.Or(s.Settle, 3*s.Every)
	s.Stale = cmp.Or(s.Stale, max(5*s.Every, leastStale))
	return s
}

// timeout is how long one look may take.
func (s Signal) timeout() time.Duration { return min(max(s.Every, leastTimeout), mostTimeout) }

// what names the signal in a sentence.
func (s Signal) what() string { return strings.ReplaceAll(s.Name, "-", " ") }
