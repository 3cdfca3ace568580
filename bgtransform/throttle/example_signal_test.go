package throttle_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// A number that the app measures itself: batches slow down above 200 ms, no new
// one begins above 500 ms, and above 2 s the one under way is cancelled.
func ExampleFunc() {
	var p99 atomic.Int64 // set by the app's metrics
	signal := throttle.Func("checkout-p99",
		throttle.Bounds[time.Duration]{Slow: 200 * time.Millisecond, Stop: 500 * time.Millisecond, Critical: 2 * time.Second},
		func(context.Context) (time.Duration, error) { return time.Duration(p99.Load()), nil })

	p99.Store(int64(620 * time.Millisecond))
	reading, err := signal.Read(context.Background())
	fmt.Println(reading.Level, "because", reading.Reason, err)
	// Output:
	// stop because checkout p99 620 ms > 500 ms <nil>
}

// A monitor watches as long as somebody wants it to.
func ExampleMonitor() {
	busy := throttle.Signal{
		Name: "maintenance",
		Read: func(context.Context) (throttle.Reading, error) {
			return throttle.Reading{Level: throttle.Stop, Reason: "somebody maintains the database"}, nil
		},
		Every:   10 * time.Second,
		Unknown: throttle.Stop, // who cannot be asked may be at it
	}
	m := throttle.NewMonitor(busy)
	ready, release := m.Watch(func(c throttle.Change) { fmt.Println(c.Signal, "asks for", c.Level) })
	defer release()
	<-ready
	pacer := throttle.New(throttle.Limits{})
	pacer.SetPressure(m.Pressure())
	fmt.Println(pacer.Wait().Reason)
	// Output:
	// maintenance asks for stop
	// somebody maintains the database
}

// What is under way ends as soon as a signal is critical.
func ExampleMonitor_Guard() {
	full := throttle.Func("disk", throttle.Bounds[throttle.Share]{Critical: 0.95},
		func(context.Context) (throttle.Share, error) { return 0.97, nil })
	m := throttle.NewMonitor(full)
	_, release := m.Watch(nil)
	defer release()
	ctx, cancel := m.Guard(context.Background())
	defer cancel()
	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	fmt.Println(m.Pressure().Reason)
	// Output:
	// throttle: a health signal is critical
	// disk 97 % > 95 %
}

func ExampleBounds() {
	bounds := throttle.Bounds[throttle.Bytes]{Slow: 1 << 30, Stop: 10 << 30}
	reading := bounds.Reading("log", 3<<30)
	fmt.Println(reading.Level, reading.Reason)
	// Output:
	// slow log 3 GiB > 1 GiB
}
