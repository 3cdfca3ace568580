package throttle

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
)

// The defaults suit a busy production table: work for half of the time, in
// batches that a waiting user does not notice.
const (
	defaultDuty       = 0.5
	defaultTarget     = 100 * time.Millisecond
	defaultMinBatch   = 10
	defaultStartBatch = 400
	defaultMaxBatch   = 10000
	defaultMaxRows    = 400
)

// mostKeys bounds the batch sizes, in keys and in rows: beyond, a batch is none.
const mostKeys = 1_000_000

// Limits says how fast batches may go. The zero value of each field means its
// default.
type Limits struct {
	// Duty is the share of time that batches may use, more than 0 and at most 1.
	// Defaults to 0.5: after each batch the database rests for as long as it took.
	Duty float64

	// RowsPerSecond is a ceiling for the rows that are changed each second.
	// Defaults to 0, no ceiling.
	RowsPerSecond float64

	// Target is how long the database should take for one batch. The user's code
	// may take five times as long. Defaults to 100 ms.
	Target time.Duration

	// MinBatch is the floor of the batch size, in keys: a batch does not shrink
	// below it for being slow. Defaults to 10.
	MinBatch int

	// StartBatch is the size of the first batch, in keys. One that is outside of
	// MinBatch and the lower of MaxBatch and MaxRows is moved to the nearer.
	// Defaults to 400. One that is set raises the default of MaxRows to as many.
	StartBatch int

	// MaxBatch is the ceiling of the batch size, in keys: what a batch walks where few
	// rows change. Defaults to 10000.
	MaxBatch int

	// MaxRows is how many rows a batch should change at most: their locks, and the
	// log that the commits of others have to wait for, are what users notice of it.
	// It bounds the keys by how many rows changed in the batches before, so that a
	// batch whose range holds more of them than those did may change more, and the
	// next does not.
	// Defaults to 400, or to MinBatch or StartBatch where those are set to more.
	MaxRows int
}

// Validate returns an error that names each field which is not valid, its value
// and what would be valid; nil if there is none. Zero is valid for each.
func (l Limits) Validate() error {
	var errs []error
	bad := func(ok bool, name string, value any, valid string) {
		if !ok {
			errs = append(errs, fmt.Errorf("throttle: %s is %v; want %s", name, value, valid))
		}
	}
	bad(l.Duty == 0 || validDuty(l.Duty), "Duty", l.Duty, "a share of time, more than 0 and at most 1, or 0 for the default of 0.5")
	bad(l.RowsPerSecond == 0 || validRate(l.RowsPerSecond), "RowsPerSecond", l.RowsPerSecond, "a finite number of rows more than 0, or 0 for no ceiling")
	bad(l.Target >= 0, "Target", l.Target, "a duration more than 0, or 0 for the default of 100ms")
	bad(l.MinBatch == 0 || validSize(l.MinBatch), "MinBatch", l.MinBatch, "from 1 to 1000000 keys, or 0 for the default of 10")
	bad(l.StartBatch == 0 || validSize(l.StartBatch), "StartBatch", l.StartBatch, "from 1 to 1000000 keys, or 0 for the default of 400")
	bad(l.MaxBatch == 0 || validSize(l.MaxBatch), "MaxBatch", l.MaxBatch, "from 1 to 1000000 keys, or 0 for the default of 10000")
	bad(l.MaxRows == 0 || validSize(l.MaxRows), "MaxRows", l.MaxRows, "from 1 to 1000000 rows, or 0 for the default of 400")
	bad(l.MaxBatch <= 0 || l.MinBatch <= l.MaxBatch, "MinBatch", l.MinBatch, fmt.Sprintf("at most MaxBatch, which is %d", l.MaxBatch))
	bad(l.MaxRows <= 0 || l.MinBatch <= l.MaxRows, "MinBatch", l.MinBatch, fmt.Sprintf("at most MaxRows, which is %d", l.MaxRows))
	return errors.Join(errs...)
}

// WithDefaults returns l with defaults for the fields that are zero, or not
// valid, and with batch sizes that fit together: a default gives way to sizes that
// were set, and StartBatch to the others.
func (l Limits) WithDefaults() Limits {
	if !validDuty(l.Duty) {
		l.Duty = defaultDuty
	}
	if !validRate(l.RowsPerSecond) {
		l.RowsPerSecond = 0
	}
	if l.Target <= 0 {
		l.Target = defaultTarget
	}
	return l.withSizes()
}

// withSizes returns l with batch sizes of which none is 0 and that are in order.
func (l Limits) withSizes() Limits {
	for _, size := range []*int{&l.MinBatch, &l.StartBatch, &l.MaxBatch, &l.MaxRows} {
		if !validSize(*size) {
			*size = 0
		}
	}
	start := cmp.Or(l.StartBatch, defaultStartBatch)
	l.MaxRows = cmp.Or(l.MaxRows, max(defaultMaxRows, l.MinBatch, l.StartBatch))
	l.MaxBatch = cmp.Or(l.MaxBatch, max(defaultMaxBatch, l.MinBatch, l.StartBatch))
	most := min(l.MaxBatch, l.MaxRows)
	l.MinBatch = min(cmp.Or(l.MinBatch, min(defaultMinBatch, start)), most)
	l.StartBatch = min(max(start, l.MinBatch), most)
	return l
}

// ceiling returns the largest size of a batch: no batch covers more keys than
// RowsPerSecond allows rows in one second.
func (l Limits) ceiling() int {
	if l.RowsPerSecond == 0 {
		return l.MaxBatch
	}
	return max(1, int(min(float64(l.MaxBatch), l.RowsPerSecond)))
}

// floor returns the size below which a batch does not shrink for being slow.
func (l Limits) floor() int { return min(l.MinBatch, l.ceiling()) }

// validDuty is false for NaN too.
func validDuty(duty float64) bool { return duty > 0 && duty <= 1 }

func validSize(keys int) bool { return keys >= 1 && keys <= mostKeys }

// validRate is false for NaN too.
func validRate(rate float64) bool { return rate > 0 && !math.IsInf(rate, 1) }
