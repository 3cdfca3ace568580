package bgtransformtest

import (
	"runtime"
	"sync"
)

// waiters is how many runs go on at the same time for each processor: they
// spend most of their time waiting, and each takes turns in user code.
const waiters = 8

// parallel calls fn for 0 to n-1, several at a time, and returns their errors
// by number. It returns when all of them have.
func parallel(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	slots := make(chan struct{}, waiters*runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() { // ends with fn
			defer func() { <-slots }()
			errs[i] = fn(i)
		})
	}
	wg.Wait()
	return errs
}
