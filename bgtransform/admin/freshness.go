package admin

import "time"

// freshness is whether what was read still holds. Its owner guards it. Time counts from
// the end of a reading, so that whoever has waited for a slow one takes what it has found.
type freshness struct {
	at  time.Time // when it was read; zero: it must be read
	era int       // how often it has expired
}

// within reports whether it was read no longer than age ago, and has not expired since.
func (f *freshness) within(age time.Duration) bool {
	return !f.at.IsZero() && time.Since(f.at) < age
}

// renew ends a reading that began in some era. One that has not seen what ended its era is
// old already.
func (f *freshness) renew(era int) {
	if era == f.era {
		f.at = time.Now()
	}
}

// expire has it read again.
func (f *freshness) expire() {
	f.at = time.Time{}
	f.era++
}
