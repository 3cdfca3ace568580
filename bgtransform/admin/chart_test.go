package admin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform"
)

// at is seconds after some time.
func at(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0) }

// reading is what an overview says at a time of a transform that runs.
func reading(seconds int, rate float64) *overview {
	return &overview{Made: at(seconds), Transforms: []summary{{Status: bgtransform.Status{Transform: "x", State: bgtransform.StateRunning, RowsPerSec: rate}}}}
}

// Rates are kept when they change, are not known for a time in which nobody looked, and
// are bounded.
func TestRatesAreKept(t *testing.T) {
	t.Parallel()
	var r rates
	for _, o := range []*overview{reading(0, 5), reading(2, 5), reading(4, 7), reading(60, 7)} {
		r.add(o)
	}
	want := []sample{{at(0), 5}, {at(4), 7}, {at(4), unwatched}, {at(60), 7}}
	if diff := cmp.Diff(want, r.of["x"], cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	for i := range 10_000 {
		r.add(reading(60+i/10, float64(i)))
	}
	if n := len(r.of["x"]); n > mostSamples {
		t.Errorf("%d samples are kept, want at most %d", n, mostSamples)
	}
	before := len(r.of["x"])
	r.add(&overview{Made: at(2000), Error: "away"})
	if len(r.of["x"]) != before {
		t.Error("what was known is lost with the database")
	}
	r.add(&overview{Made: at(4000)})
	if len(r.of) != 0 {
		t.Error("a transform that is gone is kept")
	}
}

// What was over long ago is left out, but for what holds since.
func TestOldRates(t *testing.T) {
	t.Parallel()
	old := []sample{{at(0), 1}, {at(10), 2}, {at(900), 3}}
	if diff := cmp.Diff(old[1:], recent(old, at(300)), cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}
}

func TestChartOfRates(t *testing.T) {
	t.Parallel()
	c := chartOf([]sample{{at(0), 0}, {at(15), 50}, {at(30), unwatched}, {at(45), 100}}, at(60))
	want := rateChart{
		Span:  time.Minute,
		Lines: []string{"0.0,98.0 150.0,98.0 150.0,50.0 300.0,50.0", "450.0,2.0 600.0,2.0"},
		Areas: []string{"0.0,98.0 0.0,98.0 150.0,98.0 150.0,50.0 300.0,50.0 300.0,98.0", "450.0,98.0 450.0,2.0 600.0,2.0 600.0,98.0"},
		Now:   100, Most: 100, Top: 100,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the chart (-want +got):\n%s", diff)
	}
	if c := chartOf(nil, at(0)); len(c.Lines) != 0 || c.Top != 1 {
		t.Errorf("the chart of nothing is %+v", c)
	}
}

// A moment at a rate that dwarfs all others does not make a flat line of them; what lasts
// does, and is no exception.
func TestScale(t *testing.T) {
	t.Parallel()
	for sentence, tc := range map[string]struct {
		samples []sample
		want    float64
	}{
		"a moment":                {[]sample{{at(0), 800}, {at(20), 400}, {at(50), 846_066}, {at(52), 0}}, 800},
		"a moment, not much more": {[]sample{{at(0), 800}, {at(50), 2400}, {at(52), 0}}, 2400},
		"some time":               {[]sample{{at(0), 800}, {at(50), 846_066}}, 846_066},
		"all there is":            {[]sample{{at(0), 0}, {at(50), 70}, {at(51), 0}}, 70},
		"among what nobody saw":   {[]sample{{at(0), 10}, {at(2), 900}, {at(4), unwatched}}, 900},
		"none":                    {[]sample{{at(0), 0}}, 0},
	} {
		if got := scaleOf(tc.samples, at(60)); got != tc.want {
			t.Errorf("%s: %v, want %v", sentence, got, tc.want)
		}
	}
	c := chartOf([]sample{{at(0), 800}, {at(50), 846_066}, {at(52), 0}}, at(60))
	if want := "0.0,2.0 500.0,2.0 500.0,2.0 520.0,98.0 600.0,98.0"; c.Top != 800 || c.Most != 846_066 || c.Lines[0] != want {
		t.Errorf("the chart is %+v, want the moment cut off", c)
	}
}

func TestChartOfReads(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 8, 30, 0, 0, time.UTC)
	hour := func(ago int, c bgtransform.ReadCounts) bgtransform.HourOfReads {
		return bgtransform.HourOfReads{Hour: now.Truncate(time.Hour).Add(-time.Duration(ago) * time.Hour), ReadCounts: c}
	}
	c := hours(bgtransform.Reads{Now: now, Hours: []bgtransform.HourOfReads{
		hour(300, bgtransform.ReadCounts{Fallbacks: 900}), // too long ago
		hour(167, bgtransform.ReadCounts{Fallbacks: 100}),
		hour(1, bgtransform.ReadCounts{}),
		hour(0, bgtransform.ReadCounts{Fallbacks: 40, Mismatches: 10}),
	}})
	if c.Most != 100 || len(c.Bars) != 2 {
		t.Fatalf("the chart is %+v, want two bars of at most 100", c)
	}
	first, last := c.Bars[0], c.Bars[1]
	if first.X != 0 || first.Height != 96 || first.Bad || last.Height != 48 || !last.Bad || last.X+c.Width > chartWidth || last.X < chartWidth-4 {
		t.Errorf("the bars are %+v", c.Bars)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		number(0): "0", number(-1234567): "-1,234,567", number(999): "999", rows(1): "1 row", rows(1000): "1,000 rows",
		percent(-1): "not known", percent(0.0049): "0.4 %", percent(0.999): "99 %", percent(1): "100 %",
		rate(0): "0", rate(2.54): "2.5", rate(10189.8): "10,190",
		whenAt(time.Time{}, at(0)): "never",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for n, want := range map[float64]float64{0: 1, 1: 1, 10_190: 12_000, 9_900: 10_000, 51: 60, 0.2: 0.2} {
		if got := round(n); got != want {
			t.Errorf("round(%v) = %v, want %v", n, got, want)
		}
	}
}
