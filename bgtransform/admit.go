package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// ErrNotAdmitted is returned by [Scheduler.Admit] to an instance that would do harm.
var ErrNotAdmitted = errors.New("bgtransform: this version of the app may not start now")

// Admit looks whether this instance may serve: with the stages of moves that the other
// instances of the pool are in, after those that were there before, and with the columns that
// are left. Call it after Register, before the first request is served, such as in a deploy's
// readiness. Once the instance runs, the pool itself keeps its reads where they are right; but
// what a version before the move writes beside readers of the new column, and what an instance
// reads whose column is dropped, is wrong from its first request on.
//
// It returns nil, or an error that is [ErrNotAdmitted] and says of each move what would go wrong
// and what to do first. Any other error says that the database or the registry cannot be
// asked, so that nobody knows; whether to serve all the same is the app's choice. It changes
// nothing, may be called again, also while Run goes on, and takes ten seconds at most, whatever
// the database and the registry do. A registry that has just lost its memory shows nobody, until
// all have announced themselves again.
func (s *Scheduler) Admit(ctx context.Context) error {
	why, err := ask(ctx, admitTimeout, s.objections)
	switch {
	case err != nil:
		return fmt.Errorf("bgtransform: look whether this instance may serve: %w", err)
	case len(why) > 0:
		return fmt.Errorf("%w: %s", ErrNotAdmitted, strings.Join(why, "; and "))
	default:
		return nil
	}
}

// admitTimeout bounds the whole of [Scheduler.Admit].
const admitTimeout = 10*time.Second - registryLeeway

// objections returns what stands against this instance.
func (s *Scheduler) objections(ctx context.Context) (why []string, err error) {
	p, recs, err := s.admission(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range s.cfg.Contracted {
		why = append(why, s.admitContracted(p, recs, name)...)
	}
	known := slices.Clone(s.cfg.Contracted)
	for _, e := range s.pooled() {
		known = append(known, e.name)
		refused, err := s.admitMove(ctx, p, recs[e.name], e)
		if err != nil {
			return nil, err
		}
		why = append(why, refused...)
	}
	for _, name := range p.Moves() {
		if !slices.Contains(known, name) {
			why = append(why, s.admitAs(p, name, fleet.Before)...)
		}
	}
	return why, nil
}

// pooled returns the transforms that need the pool.
func (s *Scheduler) pooled() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.entries), func(e *entry) bool { return !e.pooled })
}

// admission returns the pool and what is known of transforms. Where there are no tables yet
// nobody has been here.
func (s *Scheduler) admission(ctx context.Context) (fleet.Pool, map[string]store.Record, error) {
	members, err := ask(ctx, poolTimeout, s.cfg.Fleet.Members)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, fmt.Errorf("ask the pool: %w", err)
	}
	all, err := s.store.Load(ctx)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	recs := make(map[string]store.Record, len(all))
	for _, rec := range all {
		recs[rec.Transform.Name] = rec
	}
	return fleet.Pool(members).Of(s.cfg.App), recs, nil
}

func (s *Scheduler) admitAs(p fleet.Pool, name string, can ...fleet.Stage) []string {
	if v := p.Admit(fleet.Newcomer{Move: name, Instance: s.cfg.Instance, Can: can}); !v.OK {
		return []string{v.Why}
	}
	return nil
}

// admitContracted judges a version that has no old column any more.
func (s *Scheduler) admitContracted(p fleet.Pool, recs map[string]store.Record, name string) []string {
	why := s.admitAs(p, name, fleet.After)
	if meant := s.meant(name, slices.Collect(maps.Keys(recs))); meant != "" {
		why = append(why, fmt.Sprintf("Config.Contracted names %q, which this database does not know; did you mean %q?", name, meant))
	}
	if rec, known := recs[name]; known && rec.Transform.ContractedMS == 0 && !moved(rec) {
		why = append(why, fmt.Sprintf("%s is %s, so rows are left that have no new value, or one that is out of date; wait until it is complete", name, rec.Transform.State))
	}
	return why
}

// dropTeller is a transform that knows its old columns: a [Move].
type dropTeller interface {
	// dropped returns an old column that the database has no more; "" if it has them all.
	dropped(ctx context.Context, db *bun.DB) (string, error)
}

var _ dropTeller = Move[struct{}, int]{}

// admitMove judges a version that writes both columns.
func (s *Scheduler) admitMove(ctx context.Context, p fleet.Pool, rec store.Record, e *entry) ([]string, error) {
	if m, ok := e.transform.(dropTeller); ok {
		column, err := m.dropped(ctx, s.db)
		switch {
		case err != nil:
			return nil, err
		case column != "":
			return []string{fmt.Sprintf("the old column %q of %s is dropped, and what it held is gone; deploy a version without it", column, e.name)}, nil
		}
	}
	can := []fleet.Stage{fleet.Old, fleet.Fallback, fleet.Compare}
	if s.asksForNew(rec, e) {
		can = append(can, fleet.New)
	} else if ms := rec.Transform.ContractedMS; ms > 0 {
		return []string{fmt.Sprintf("a version has run since %s that writes only the new column of %s, so the old one is out of date; deploy a version whose reads are in phase new",
			stamp(ms), e.name)}, nil
	}
	return s.admitAs(p, e.name, can...), nil
}

// asksForNew reports whether reads are to come to the new column alone.
func (s *Scheduler) asksForNew(rec store.Record, e *entry) bool {
	if e.column == nil {
		return false
	}
	phase := e.column.Phase()
	if e.phases != nil {
		phase = e.phases.plain()
	}
	if tuned := tunedPhase(rec.Intent); tuned != nil {
		phase = *tuned
	}
	return stageOf(phase) == fleet.New
}
