package bgtransform_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// Batches give way when the app's own response times go up, or when it waits for
// connections of its pool.
func ExampleConfig_signals() {
	db := songs()
	defer db.Close()

	var p99 atomic.Int64 // of the app's metrics
	p99.Store(int64(700 * time.Millisecond))

	cfg := exampleConfig()
	cfg.Signals = []throttle.Signal{
		throttle.Pool(db.DB, throttle.Bounds[time.Duration]{}),
		throttle.Func("checkout-p99",
			throttle.Bounds[time.Duration]{Slow: 200 * time.Millisecond, Stop: 500 * time.Millisecond, Critical: 2 * time.Second},
			func(context.Context) (time.Duration, error) { return time.Duration(p99.Load()), nil }),
	}
	sched, err := bgtransform.New(db, cfg)
	if err != nil {
		panic(err)
	}
	err = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	if err != nil {
		panic(err)
	}
	st := runUntil(sched, func(st bgtransform.Status) bool { return st.Why().Code == bgtransform.ReasonHealth })
	fmt.Println(st.Rows, "rows,", st.Why())
	// Output:
	// 0 rows, throttled: checkout p99 700 ms > 500 ms
}
