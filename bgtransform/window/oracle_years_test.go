package window_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Who walks through a year by Next and Closes finds just the stretches that the
// minutes of the oracle make.
func TestWalkThroughAYearEqualsOracle(t *testing.T) {
	t.Parallel()
	for i, zone := range zones() {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			night := part{"0 22 * * *", 8 * time.Hour, zone}
			w, year := night.String(), 2026+i
			var free []blackout
			for _, b := range blackouts() {
				switch b.text {
				case "last 2 days of month", "12-24..01-01", "second sun of month", "30 1 * * * for 1h", "2026-03-20T18:00..2026-10-25T02:30":
					b.zone = zone
					free, w = append(free, b), w+"; except "+b.text
				}
			}
			o := newOracle(t, time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC), 366)
			o.add(night)
			for _, b := range free {
				o.remove(b)
			}
			to := o.at(len(o.open))
			var walked []string
			parsed := window.MustParse(w)
			for at := o.from; ; {
				opens, ok := parsed.Next(at)
				if !ok || !opens.Before(to) {
					break
				}
				at, ok = parsed.Closes(opens)
				if !ok {
					t.Fatalf("it does not close after %v", opens)
				}
				if at.After(to) {
					at = to
				}
				walked = append(walked, stretch(opens, at))
			}
			if diff := cmp.Diff(o.stretches(), walked); diff != "" {
				t.Errorf("%s: stretches (-oracle +walked):\n%s", w, diff)
			}
			if len(walked) < 300 && year != 2026 {
				t.Errorf("%d stretches are too few to mean anything", len(walked))
			}
		})
	}
}
