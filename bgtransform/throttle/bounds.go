package throttle

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Number is what a signal can measure. Its type is also its unit: times are shown
// as "3.2 s", [Bytes] as "1.5 GiB", and a [Share] as "85 %".
type Number interface {
	~int | ~int64 | ~float64
}

// Bytes is an amount of data.
type Bytes int64

// Share is a part of a whole: 0.5 for one half.
type Share float64

// Bounds are the values above which a signal asks for each [Level]. Zero means
// never.
type Bounds[T Number] struct{ Slow, Stop, Critical T }

// IsZero reports whether no bound is set.
func (b Bounds[T]) IsZero() bool { return b == Bounds[T]{} }

// Validate returns an error if a bound is below 0, or not above the one before it.
func (b Bounds[T]) Validate() error {
	last := T(0)
	for _, bound := range []T{b.Slow, b.Stop, b.Critical} {
		if bound == 0 {
			continue
		}
		if above := bound > last; !above { // not even for what is not a number
			return fmt.Errorf("throttle: bounds are %s, %s and %s; want each above the one before it, or 0 for none", show(b.Slow), show(b.Stop), show(b.Critical))
		}
		last = max(last, bound)
	}
	return nil
}

// Reading returns the level of a value, with the reason: what, the value, and the
// bound that it is above, as in "replica lag 3.2 s > 2 s".
func (b Bounds[T]) Reading(what string, value T) Reading {
	level, bound := Normal, T(0)
	for i, above := range []T{b.Slow, b.Stop, b.Critical} {
		if above != 0 && value > above {
			level, bound = Slow+Level(i), above
		}
	}
	if level == Normal {
		return Reading{}
	}
	return Reading{Level: level, Reason: fmt.Sprintf("%s %s > %s", what, show(value), show(bound))}
}

// errNoNumber is for a share of nothing, say.
var errNoNumber = errors.New("the value is not a number")

// check returns an error for a value that no bound could be compared with.
func check[T Number](value T) error {
	if math.IsNaN(float64(value)) {
		return &UnreadableError{Text: errNoNumber.Error(), Err: errNoNumber}
	}
	return nil
}

// show returns a number with its unit.
func show[T Number](value T) string {
	switch v := any(value).(type) {
	case time.Duration:
		return span(v)
	case Bytes:
		return v.String()
	case Share:
		return strconv.FormatFloat(100*float64(v), 'g', 3, 64) + " %"
	case fmt.Stringer:
		return v.String()
	default:
		if f := float64(value); f != math.Trunc(f) {
			return strconv.FormatFloat(f, 'g', 4, 64)
		}
		return strconv.FormatFloat(float64(value), 'f', -1, 64)
	}
}

// span shows a duration as precisely as a person wants it.
func span(d time.Duration) string {
	switch {
	case d >= 2*time.Minute:
		return d.Round(time.Second).String()
	case d >= 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	case d >= time.Second:
		return strconv.FormatFloat(math.Round(10*d.Seconds())/10, 'f', -1, 64) + " s"
	case d >= 10*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	default:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 2, 64) + " ms"
	}
}

// String returns the amount with its unit, as in "1.5 GiB".
func (b Bytes) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	amount := float64(b)
	i := 0
	for ; math.Abs(amount) >= 1024 && i < len(units)-1; i++ {
		amount /= 1024
	}
	return strconv.FormatFloat(math.Round(10*amount)/10, 'f', -1, 64) + " " + units[i]
}
