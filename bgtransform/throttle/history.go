package throttle

import "time"

// remembered is how many batches a prediction looks back on: enough for the
// slowest of them to be an upper estimate, and few enough to forget a bad minute.
const remembered = 16

// history holds the last batches.
type history struct {
	batches [remembered]Batch
	count   int // of all batches so far
}

// add notes a batch that had keys.
func (h *history) add(b Batch) {
	h.batches[h.count%remembered] = b
	h.count++
}

// predict returns how long a batch of size keys takes if it is as slow as the
// slowest one. Batches of less than half of the size are left out if there are
// others: what they took is mostly not for their keys, and would be counted many times.
func (h *history) predict(size int) time.Duration {
	known := h.batches[:min(h.count, remembered)]
	largest := 0
	for _, b := range known {
		largest = max(largest, b.Keys)
	}
	slowest := time.Duration(0)
	for _, b := range known {
		if b.Keys >= min((size+1)/2, largest) {
			slowest = max(slowest, b.scaled(size))
		}
	}
	return slowest
}

// scaled returns how long b would have taken with size keys: in proportion if
// these are more, but as long as it took if they are fewer, as a part of that does
// not depend on the keys.
func (b Batch) scaled(size int) time.Duration {
	if size <= b.Keys {
		return b.lasted()
	}
	return bounded(float64(b.lasted()) * float64(size) / float64(b.Keys))
}
