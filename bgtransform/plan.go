package bgtransform

import (
	"context"
	"fmt"
	"time"
)

// PlanOptions say how [Scheduler.Plan] looks. The zero value looks at eight
// batches and shows no values.
type PlanOptions struct {
	// Batches is how many batches are tried, from 1 to 100. Zero means 8.
	Batches int

	// Examples is how many rows are shown as they are and as they would be, at most
	// 100, with the columns that the transform names. They hold what users have
	// stored: show them to people only who may see it. Zero means none.
	Examples int
}

// Plan says what a transform would do, before it has written anything.
type Plan struct {
	Transform string `json:"transform"`

	Keys    int64 `json:"keys"`    // that a pass would walk, an estimate; -1: not known
	Pending int64 `json:"pending"` // rows that it would find, as in the sample; -1: not known
	Whole   bool  `json:"whole"`   // the sample is the whole table, and the numbers are exact

	Batches     []PlanBatch    `json:"batches"` // that were tried and rolled back
	Quarantined map[string]int `json:"quarantined,omitempty"`

	Accesses []TableAccess `json:"accesses,omitempty"` // how the database would get at the rows
	Warnings []string      `json:"warnings,omitempty"` // what to look at before the transform runs
	Examples []PlanExample `json:"examples,omitempty"` // as many as were asked for, at most

	// Finish is when the transform would be complete if it began now: through its
	// windows, at its pace, with the pass that proves that nothing is left.
	Finish Forecast `json:"finish"`
}

// PlanBatch is one batch of the sample.
type PlanBatch struct {
	Keys        int           `json:"keys"`
	Found       int           `json:"found"`       // rows that are pending
	Changed     int           `json:"changed"`     // rows written, before all was rolled back
	Quarantined int           `json:"quarantined"` // rows that would go there
	Read        time.Duration `json:"read_ns"`     // queries and the user's code
	Write       time.Duration `json:"write_ns"`    // the transaction, without a commit

	reads time.Duration // the queries alone
}

// TableAccess is how the database gets at the rows of a table in our statements.
type TableAccess struct {
	Table string `json:"table"`
	By    string `json:"by"`    // in the words of the database: "Index Scan tracks_pkey"
	Whole bool   `json:"whole"` // each batch reads the table from its first row to its last
}

// PlanExample is one row. It holds its values.
type PlanExample struct {
	Key    string            `json:"key"`
	Before map[string]string `json:"before"`
	After  map[string]string `json:"after"`
}

// Plan tries a registered transform on a sample of its rows and says what it would
// do and how long it would take. Its batches do all that those of a run do, the
// user's code included, at the transform's pace but not only in its window; each is
// rolled back, and the tables of this package are not touched, nor needed. The
// sample is spread over the table where the key is an integer, else it begins with
// the first row. It may be called before Run or beside it, on any instance; what
// operators have set counts once this instance has seen it.
//
// A batch locks its rows until it is rolled back, and on PostgreSQL leaves dead
// versions of them, as a transaction that fails does. A transform with
// [Processed] keys is refused: its set may be outside of the database, where
// nothing can be rolled back.
func (s *Scheduler) Plan(ctx context.Context, name string, o PlanOptions) (Plan, error) {
	if o.Batches == 0 {
		o.Batches = 8
	}
	if o.Batches < 1 || o.Batches > 100 || o.Examples < 0 || o.Examples > 100 {
		return Plan{}, fmt.Errorf("bgtransform: plan transform %q: want 1 to 100 batches and 0 to 100 examples", name)
	}
	e := s.entry(name)
	if e == nil {
		return Plan{}, fmt.Errorf("%w: %q", ErrUnknownTransform, name)
	}
	p := planner{s: s, e: e, o: o, plan: Plan{Transform: name, Keys: -1, Pending: -1, Quarantined: map[string]int{}}}
	if err := p.run(ctx); err != nil {
		return Plan{}, fmt.Errorf("bgtransform: plan transform %q: %w", name, s.safe(withCause(ctx, err)))
	}
	return p.plan, nil
}

// entry returns a registered transform; nil if there is none of that name.
func (s *Scheduler) entry(name string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}
