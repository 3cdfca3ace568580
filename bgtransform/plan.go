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

// mostExamples is how many rows a plan shows at most.
const mostExamples = 100

// Plan says what a transform would do, before it has written anything.
type Plan struct {
	Transform string `json:"transform"`

	Keys    int64 `json:"keys"`    // that a pass would walk, an estimate; -1: not known
	Pending int64 `json:"pending"` // rows that it would find, as in the sample; -1: not known

	Part     PlanPart `json:"part"`                // of the table that the sample is of
	SpreadBy string   `json:"spread_by,omitempty"` // the column of the key, for PlanSpread

	Batches     []PlanBatch    `json:"batches"` // that were tried and rolled back
	Quarantined map[string]int `json:"quarantined,omitempty"`

	Accesses []TableAccess `json:"accesses,omitempty"` // how the database would get at the rows
	Warnings []string      `json:"warnings,omitempty"` // what to look at before the transform runs

	// Disagreeing are the keys of rows about which the Go code and the SQL of a
	// [Move] disagree, which the warnings count; as many as examples were asked for.
	Disagreeing []string `json:"disagreeing,omitempty"`

	Examples []PlanExample `json:"examples,omitempty"` // as many as were asked for, at most

	// Finish is when the transform would be complete if it began now: through its
	// windows, at its pace, with the pass that proves that nothing is left.
	Finish Forecast `json:"finish"`
}

// PlanPart says which part of a table the sample of a [Plan] is of.
type PlanPart string

// The parts.
const (
	PlanWhole  PlanPart = "whole"  // all of it: the numbers are exact
	PlanSpread PlanPart = "spread" // batches from all over it
	PlanFirst  PlanPart = "first"  // its first rows; how alike the others are is not known
)

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
// rolled back, and the tables of this package are not needed. The sample is spread
// over the table where the key allows it: by the first column in which the first key
// and the last differ, if that is an integer, a text, bytes or a UUID. Else, and for
// kinds of transforms that are not ours, it begins with the first row. Plan may be
// called before Run or beside it, on any instance; what operators have set counts once
// this instance has seen it.
//
// A batch locks its rows until it is rolled back, and on PostgreSQL leaves dead
// versions of them, as a transaction that fails does. Rows that are in the set of
// [Processed] keys are left out; none is put into a set that is not in the database.
// What a journal costs is not in the times.
//
// For a [Move] with Forward it asks the functions of the definition about each row of
// the sample, as it is and as it would be, and warns where they and the SQL disagree.
// That is not in the times either.
//
// The flag DRY_RUN makes the same plan under the lease and in the window, instead of
// a run.
func (s *Scheduler) Plan(ctx context.Context, name string, o PlanOptions) (Plan, error) {
	if o.Batches == 0 {
		o.Batches = 8
	}
	if o.Batches < 1 || o.Batches > 100 || o.Examples < 0 || o.Examples > mostExamples {
		return Plan{}, fmt.Errorf("bgtransform: plan transform %q: want 1 to 100 batches and 0 to 100 examples", name)
	}
	e := s.entry(name)
	if e == nil {
		return Plan{}, fmt.Errorf("bgtransform: plan transform %q: %w", name, s.notOurs(name))
	}
	plan, err := s.planAlone(ctx, e, o)
	if err != nil {
		return Plan{}, fmt.Errorf("bgtransform: plan transform %q: %w", name, s.safe(withCause(ctx, err)))
	}
	return plan, nil
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
