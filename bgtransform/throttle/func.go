package throttle

import "context"

// Func returns a signal of any number that the app knows, such as the 99th
// percentile of its response times, with the bounds above which batches give way.
// Its name is the text of the reason too: "checkout-p99" reads "checkout p99 250 ms
// > 200 ms". While read fails, nothing is asked for: set Unknown to change that.
//
// A name, bounds or a read that are not valid make a signal of which
// [Signal.Validate] says so, or whose looks fail.
func Func[T Number](name string, bounds Bounds[T], read func(ctx context.Context) (T, error)) Signal {
	s := Signal{Name: name}
	if read == nil {
		return s
	}
	s.Read = func(ctx context.Context) (Reading, error) {
		if err := bounds.Validate(); err != nil {
			return Reading{}, &UnreadableError{Text: err.Error(), Err: err}
		}
		value, err := read(ctx)
		if err == nil {
			err = check(value)
		}
		if err != nil {
			return Reading{}, err
		}
		return bounds.Reading(s.what(), value), nil
	}
	return s
}
