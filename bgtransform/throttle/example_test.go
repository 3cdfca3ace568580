package throttle_test

import (
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// A runner asks for the size, runs the batch, reports it, and waits.
func ExamplePacer() {
	p := throttle.New(throttle.Limits{RowsPerSecond: 100, StartBatch: 50})
	for range 3 {
		keys := p.Size()
		p.Done(throttle.Batch{Keys: keys, Rows: keys, Took: 10 * time.Millisecond})
		pause := p.Wait() // then wait for pause.For, or until the work is interrupted
		fmt.Println(keys, "keys, limited by", pause.Reason)
	}
	// Output:
	// 50 keys, limited by rows per second 100
	// 75 keys, limited by rows per second 100
	// 100 keys, limited by rows per second 100
}

func ExampleNew() {
	p := throttle.New(throttle.Limits{})
	fmt.Println(p.Size(), p.Wait().For, p.Wait().Limit)
	// Output:
	// 400 0s none
}

func ExamplePacer_Done() {
	p := throttle.New(throttle.Limits{Target: 100 * time.Millisecond, StartBatch: 1000, MaxRows: 5000})
	p.Done(throttle.Batch{Keys: 1000, Rows: 1000, Took: 20 * time.Millisecond})
	fmt.Println("after a fast batch:", p.Size())
	p.Done(throttle.Batch{Keys: 1500, Rows: 1500, Took: 300 * time.Millisecond})
	fmt.Println("after a slow batch:", p.Size())
	// Output:
	// after a fast batch: 1500
	// after a slow batch: 450
}

// After a statement timeout the batch is tried again with half of the keys.
func ExamplePacer_Shrink() {
	p := throttle.New(throttle.Limits{})
	p.Shrink()
	p.Done(throttle.Batch{Took: 5 * time.Second}) // given up, but the database worked
	fmt.Println(p.Size(), p.Wait().Limit)
	// Output:
	// 200 duty
}

// Where few rows change, a batch walks many keys. Where all of them do, the first
// batch that finds out is the only one that changes more than it should.
func ExampleLimits_maxRows() {
	p := throttle.New(throttle.Limits{MaxRows: 400})
	for _, every := range []int{100, 100, 1, 1, 1} { // one row in so many changes
		keys := p.Size()
		p.Done(throttle.Batch{Keys: keys, Rows: keys / every, Took: time.Millisecond})
		fmt.Println(keys/every, "of", keys, "rows change")
	}
	// Output:
	// 4 of 400 rows change
	// 6 of 600 rows change
	// 900 of 900 rows change
	// 400 of 400 rows change
	// 400 of 400 rows change
}

func ExamplePacer_SetLimits() {
	p := throttle.New(throttle.Limits{})
	p.SetLimits(throttle.Limits{RowsPerSecond: 20})
	fmt.Println(p.Size())
	// Output:
	// 20
}

func ExamplePacer_Predict() {
	p := throttle.New(throttle.Limits{StartBatch: 100})
	p.Done(throttle.Batch{Keys: 100, Rows: 100, Took: 50 * time.Millisecond})
	fmt.Println(p.Size(), "keys take", p.Predict())
	// Output:
	// 150 keys take 75ms
}

func ExampleLimits_Validate() {
	fmt.Println(throttle.Limits{Duty: 50, MaxBatch: -1}.Validate())
	// Output:
	// throttle: Duty is 50; want a share of time, more than 0 and at most 1, or 0 for the default of 0.5
	// throttle: MaxBatch is -1; want from 1 to 1000000 keys, or 0 for the default of 10000
}

func ExampleLimits_WithDefaults() {
	l := throttle.Limits{MaxBatch: 200}.WithDefaults()
	fmt.Println(l.Duty, l.Target, l.MinBatch, l.StartBatch, l.MaxBatch, l.MaxRows)
	// Output:
	// 0.5 100ms 10 200 200 400
}

func ExamplePacer_SetPressure() {
	p := throttle.New(throttle.Limits{})
	p.SetPressure(throttle.Pressure{Level: throttle.Slow, Reason: "replica lag 3.2 s > 2 s"})
	fmt.Println(p.Size(), "keys")
	p.SetPressure(throttle.Pressure{Level: throttle.Stop, Reason: "replica lag 12 s > 10 s"})
	fmt.Println("ask again in", p.Wait().For, "because of", p.Wait().Reason)
	// Output:
	// 200 keys
	// ask again in 1s because of replica lag 12 s > 10 s
}

// Shortly before its window closes, a runner does what still fits.
func ExamplePacer_Fit() {
	p := throttle.New(throttle.Limits{Target: time.Second, StartBatch: 1000, MaxBatch: 1000})
	p.Done(throttle.Batch{Keys: 1000, Rows: 1000, Took: time.Second})
	fmt.Println(p.Fit(2*time.Second), p.Fit(800*time.Millisecond), p.Fit(400*time.Millisecond))
	// Output:
	// 1000 599 0
}

func ExamplePacer_Forget() {
	p := throttle.New(throttle.Limits{StartBatch: 100})
	p.Done(throttle.Batch{Keys: 100, Rows: 100, Took: 50 * time.Millisecond})
	p.Forget() // the window opens again, days later
	fmt.Println(p.Size(), p.Predict())
	// Output:
	// 100 0s
}
