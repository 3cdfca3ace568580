package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Reads is what the dual reads of a transform's columns have come to in the whole
// pool, over the last 14 days: the evidence that the old columns may go. Instances
// write it down at most once per Config.IdlePoll, and when they stop; one that is
// killed takes with it what it counted since. Times are by the database's clock. It
// holds no row values.
type Reads struct {
	Transform string    `json:"transform"`
	Now       time.Time `json:"now"` // when they were read
	ReadCounts
	Hours     []HourOfReads     `json:"hours"`     // in which somebody counted, the oldest first
	Instances []InstanceOfReads `json:"instances"` // at most 100, those first that counted last
}

// ReadCounts are counts of dual reads, with the times of the last ones.
type ReadCounts struct {
	Fallbacks  int64 `json:"fallbacks"`  // answered by the old columns, because the new one was null
	Missing    int64 `json:"missing"`    // answered by nothing, because only the new column was read
	Compared   int64 `json:"compared"`   // of which both sides were read
	Mismatches int64 `json:"mismatches"` // of those, with different values

	Since time.Time `json:"since,omitzero"` // when they were first counted; zero: never
	Seen  time.Time `json:"seen,omitzero"`  // when they were last counted, be it that there were none

	LastFallback time.Time `json:"last_fallback,omitzero"` // at the latest; zero: none was counted
	LastMissing  time.Time `json:"last_missing,omitzero"`
	LastMismatch time.Time `json:"last_mismatch,omitzero"`
}

// HourOfReads is what was counted within one hour.
type HourOfReads struct {
	Hour time.Time `json:"hour"` // when it began
	ReadCounts
}

// InstanceOfReads is what one instance has counted.
type InstanceOfReads struct {
	Instance string `json:"instance"`
	ReadCounts
}

// mostInstances bounds how many instances are listed: each start of one has a name
// of its own.
const mostInstances = 100

// Reads returns what the dual reads of a transform have come to. It has no hours
// where no instance counts any (see [DualWriter]).
func (c *Control) Reads(ctx context.Context, name string) (Reads, error) {
	hours, err := c.store.ReadHours(ctx, name)
	if err != nil {
		return Reads{}, fmt.Errorf("bgtransform: %w", err)
	}
	each, err := c.store.ReadInstances(ctx, name, mostInstances)
	if err != nil {
		return Reads{}, fmt.Errorf("bgtransform: %w", err)
	}
	now, err := c.store.Now(ctx)
	if err != nil {
		return Reads{}, fmt.Errorf("bgtransform: %w", err)
	}
	out := Reads{Transform: name, Now: at(now), Hours: make([]HourOfReads, len(hours)), Instances: make([]InstanceOfReads, len(each))}
	for i, h := range hours {
		out.Hours[i] = HourOfReads{at(h.HourMS), readCounts(h)}
		out.add(out.Hours[i].ReadCounts)
	}
	for i, r := range each {
		out.Instances[i] = InstanceOfReads{r.Instance, readCounts(r)}
	}
	return out, nil
}

func readCounts(r store.Reads) ReadCounts {
	return ReadCounts{
		Fallbacks: r.Fallbacks, Missing: r.Missing, Compared: r.Compared, Mismatches: r.Mismatches,
		Since: at(r.FirstMS), Seen: at(r.SeenMS),
		LastFallback: at(r.LastFallbackMS), LastMissing: at(r.LastMissingMS), LastMismatch: at(r.LastMismatchMS),
	}
}

// add adds the counts of another hour.
func (c *ReadCounts) add(o ReadCounts) {
	c.Fallbacks, c.Missing = c.Fallbacks+o.Fallbacks, c.Missing+o.Missing
	c.Compared, c.Mismatches = c.Compared+o.Compared, c.Mismatches+o.Mismatches
	if c.Since.IsZero() || o.Since.Before(c.Since) {
		c.Since = o.Since
	}
	c.Seen = later(c.Seen, o.Seen)
	c.LastFallback, c.LastMissing = later(c.LastFallback, o.LastFallback), later(c.LastMissing, o.LastMissing)
	c.LastMismatch = later(c.LastMismatch, o.LastMismatch)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sub returns what was counted since was.
func sub(is, was store.ReadCounts) store.ReadCounts {
	return store.ReadCounts{
		Fallbacks: is.Fallbacks - was.Fallbacks, Missing: is.Missing - was.Missing,
		Compared: is.Compared - was.Compared, Mismatches: is.Mismatches - was.Mismatches,
	}
}
