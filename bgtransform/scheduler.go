package bgtransform

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/lease"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Scheduler runs transforms inside the app. Make one with [New], give it the
// transforms with [Scheduler.Register], and start it with [Scheduler.Run].
// It is safe for concurrent use.
type Scheduler struct {
	db      *bun.DB
	cfg     Config
	d       *dialect.Dialect
	store   *store.Store
	control *Control
	flags   *flags
	watch   *observers
	slots   chan struct{} // of which each entry may have one: see slot
	pool    *pool
	health  *throttle.Monitor // of Config.Signals; nil if there are none
	polls   chan struct{}     // holds at most one wake-up of the poll loop
	ready   atomic.Bool       // the tables are there and our names are in them
	born    time.Time

	mu      sync.Mutex
	entries []*entry
	running bool // Run was called
	over    bool // it has returned
}

// New returns a scheduler for the transforms of one database. It does no I/O
// and starts nothing. It fails for a config that makes no sense and for a
// database that is not supported, which are mistakes in the code; environment
// flags never make it fail (see [CheckFlags]).
func New(db *bun.DB, cfg Config) (*Scheduler, error) {
	if db == nil {
		return nil, errors.New("bgtransform: the database is nil")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	d, err := dialect.For(db)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	st, err := store.New(db)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	if cfg.Locker == nil {
		if cfg.Locker, err = store.NewLease(db); err != nil {
			return nil, fmt.Errorf("bgtransform: %w", err)
		}
	}
	if cfg.ownFleet = cfg.Fleet == nil; cfg.ownFleet {
		cfg.Fleet = st.Fleet()
	}
	s := &Scheduler{
		db: db, cfg: cfg, d: d, store: st.Bounded(cfg.storeBounds()),
		flags: readFlags(cfg.Environ),
		watch: newObservers(cfg.Logger, cfg.Observer), health: sharedHealth(cfg.Signals),
		slots: make(chan struct{}, cfg.Concurrency),
		polls: make(chan struct{}, 1), born: time.Now(),
	}
	s.pool = newPool(s)
	s.control = &Control{store: st, fleet: cfg.Fleet, ownFleet: cfg.ownFleet, wake: s.wake, verifiable: s.verifiable, registered: s.names}
	return s, nil
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// Register adds transforms. It does no I/O, and refuses with one error all
// that are wrong: without a name or with one that is taken, without a primary
// key, with a column that the model does not have. Call it before Run.
func (s *Scheduler) Register(transforms ...Transform) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return errors.New("bgtransform: register before the scheduler runs")
	}
	var errs []error
	for _, t := range transforms {
		if err := s.register(t); err != nil {
			errs = append(errs, fmt.Errorf("bgtransform: register transform %q: %w", t.Definition().Name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Scheduler) register(t Transform) error {
	def := t.Definition()
	if def.Name == "" {
		return errors.New(`it has no name; give it one for ever, such as "track-length-ms"`)
	}
	if !validName.MatchString(def.Name) {
		return errors.New("a name is 1 to 100 lower-case letters, digits, '-', '_' and '.', and begins with a letter or digit")
	}
	for _, other := range s.entries {
		switch {
		case other.name == def.Name:
			return errors.New("the name is taken by another transform")
		case flagSuffix(other.name) == flagSuffix(def.Name):
			return fmt.Errorf("the name cannot be told apart from %q in environment flags (both are %s)", other.name, flagSuffix(def.Name))
		}
	}
	if slices.Contains(def.Options.After, def.Name) {
		return errors.New("Options.After names the transform itself")
	}
	if err := merge(def.Options.Limits, s.cfg.Limits).Validate(); err != nil {
		return fmt.Errorf("Options.Limits: %w", err)
	}
	if err := checkSignals(def.Options.Signals); err != nil {
		return fmt.Errorf("Options.Signals: %w", err)
	}
	if err := checkVerifySample(t, def.Options.VerifySample); err != nil {
		return err
	}
	if c, ok := t.(Checker); ok {
		if err := c.Check(s.db); err != nil {
			return err
		}
	}
	if slices.Contains(s.cfg.Contracted, def.Name) {
		return errors.New("Config.Contracted names it as well; a version of the app that has no old column any more must not register its transform")
	}
	e := newEntry(t, resolve(s.cfg, def, s.flags.of(def.Name)), s.slots, s.health)
	s.pool.join(e)
	s.entries = append(s.entries, e)
	return nil
}

// Phase returns the phase that the flags BGTRANSFORM_PHASE and
// BGTRANSFORM_PHASE__<NAME> ask for, or otherwise when they are unset. Give it
// to the SetPhase of the column that the transform fills.
func (s *Scheduler) Phase(name string, otherwise dualread.Phase) dualread.Phase {
	if p := s.flags.of(name).phase; p != nil {
		return *p
	}
	return otherwise
}

// Control returns what operators use to steer the transforms. Unlike a
// [Control] of its own, it is heeded by this instance at once.
func (s *Scheduler) Control() *Control { return s.control }

// Instance returns the name under which this instance is known in the pool.
func (s *Scheduler) Instance() string { return s.cfg.Instance }

func (s *Scheduler) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, len(s.entries))
	for i, e := range s.entries {
		names[i] = e.name
	}
	return names
}

// wake makes the loop of a transform look again at once.
func (s *Scheduler) wake(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.name == name {
			e.poke()
			if e.pooled {
				s.pool.wake()
			}
		}
	}
}

// describeLease says where the lease is, for the log at start.
func (s *Scheduler) describeLease() string {
	switch {
	case lease.IsLocal(s.cfg.Locker):
		return "local to this process: other instances are not excluded by it, only fenced off by the database"
	case isDatabaseLease(s.cfg.Locker):
		return "in the app's database"
	default:
		return fmt.Sprintf("%T", s.cfg.Locker)
	}
}

func isDatabaseLease(l lease.Locker) bool { _, ok := l.(*store.Lease); return ok }
