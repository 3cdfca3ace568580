package postgreshealth

import (
	"testing"
	"time"
)

func TestTrail(t *testing.T) {
	t.Parallel()
	var tr trail
	at := time.Now()
	want := func(replayed int64, want time.Duration) {
		t.Helper()
		if got := tr.behind(replayed, at); got != want {
			t.Errorf("a replica at %d is behind for %s, want %s", replayed, got, want)
		}
	}
	want(0, 0)
	tr.note(100, at)
	want(0, 0) // since now
	at = at.Add(time.Second)
	tr.note(100, at)
	want(99, time.Second)
	want(100, 0)
	at = at.Add(time.Hour) // idle: that is no lag
	tr.note(100, at)
	want(100, 0)
	tr.note(200, at)
	at = at.Add(time.Second)
	want(50, time.Hour+2*time.Second)
	want(100, time.Second)
	want(200, 0)
	tr.note(7, at) // a new primary, whose log is shorter
	want(6, 0)
	for i := range 10 * mostMarks {
		at = at.Add(time.Second)
		tr.note(int64(10+i), at)
	}
	if len(tr.marks) > mostMarks {
		t.Errorf("%d marks are kept, want %d at most", len(tr.marks), mostMarks)
	}
	if got := tr.behind(10+5*mostMarks, at); got > 5*mostMarks*time.Second || got < 4*mostMarks*time.Second {
		t.Errorf("half way it is behind for %s, want about %s", got, 5*mostMarks*time.Second)
	}
}
