package throttle

import "time"

// Fit returns how many keys the next batch may have to end within left: as many as
// [Pacer.Size] says if that many do, else fewer, at least [Pacer.Least], else 0. It
// is Size too if no batch is known.
//
// It goes by the same batches as [Pacer.Predict]. Of what a larger one took, half
// counts for any number of keys, because nobody knows which part was for the keys.
func (p *Pacer) Fit(left time.Duration) int {
	size := p.Size()
	if p.recent.predict(size) < left {
		return size
	}
	return p.recent.fit(p.Least(), size, left)
}

// Least returns how many keys a batch has at least: MinBatch, or, once [Pacer.Shrink]
// has gone below that, 1.
func (p *Pacer) Least() int {
	if least := p.limits.floor(); p.sizer.size >= least {
		return least
	}
	return 1
}

// Forget takes back what was learned from batches of another kind, or of long ago:
// no batch is known, and the size is StartBatch at most, from where it grows as always.
func (p *Pacer) Forget() {
	p.recent = history{}
	p.sizer.forget()
}

// fit returns the largest number of keys, from least up to most, with which a batch
// takes less than left; 0 if there is none.
func (h *history) fit(least, most int, left time.Duration) int {
	size := most
	for _, b := range h.batches[:min(h.count, remembered)] {
		if b.Keys >= least {
			size = min(size, b.fits(left))
		}
	}
	if size < least {
		return 0
	}
	return size
}

// fits returns with how many keys b would have taken less than left, if half of
// what it took was for its keys.
func (b Batch) fits(left time.Duration) int {
	if b.lasted() <= 0 {
		return mostKeys
	}
	share := 2*float64(left)/float64(b.lasted()) - 1 // of the keys
	return int(max(0, min(mostKeys, share*float64(b.Keys)*(1-1e-9)-1e-9)))
}
