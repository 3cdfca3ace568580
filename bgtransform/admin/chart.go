package admin

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The size of a chart's own coordinates; it is drawn at any size.
const (
	chartWidth  = 600.0
	chartHeight = 100.0
)

// rateChart is the rate of the last minutes as lines, with gaps where nobody watched.
type rateChart struct {
	Span  time.Duration // how far back it goes
	Lines []string      // the points of each line
	Areas []string      // of what is below them
	Now   float64       // the rate now
	Most  float64       // the highest one
	Top   float64       // what the upper edge stands for; higher rates are cut off
}

// chartOf draws samples up to a time.
func chartOf(samples []sample, to time.Time) rateChart {
	c := rateChart{Span: spanOf(samples, to)}
	for _, s := range samples {
		c.Most = max(c.Most, s.rate)
	}
	if n := len(samples); n > 0 {
		c.Now = max(0, samples[n-1].rate)
	}
	c.Top = round(scaleOf(samples, to))
	for i := 0; i < len(samples); {
		n := 0
		for i+n < len(samples) && samples[i+n].rate >= 0 {
			n++
		}
		end := to
		if i+n < len(samples) {
			end = samples[i+n].at
		}
		if n > 0 {
			c.draw(samples[i:i+n], end, to)
		}
		i += n + 1
	}
	return c
}

// spanOf is as much time as is worth showing.
func spanOf(samples []sample, to time.Time) time.Duration {
	for _, span := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute} {
		if len(samples) == 0 || to.Sub(samples[0].at) <= span {
			return span
		}
	}
	return shown
}

// scaleOf is the rate that the chart is to have room for: the highest, unless it has lasted
// less than a tenth of the time and would flatten all others. So it is when a pass begins
// over keys that are done already, which are walked a hundred times as fast.
func scaleOf(samples []sample, to time.Time) float64 {
	type lasting struct {
		rate float64
		time time.Duration
	}
	var all []lasting
	var seen time.Duration
	for i, s := range samples {
		end := to
		if i+1 < len(samples) {
			end = samples[i+1].at
		}
		if s.rate > 0 {
			all = append(all, lasting{s.rate, end.Sub(s.at)})
		}
		if s.rate >= 0 {
			seen += end.Sub(s.at)
		}
	}
	slices.SortFunc(all, func(a, b lasting) int { return cmp.Compare(b.rate, a.rate) })
	var above time.Duration
	for _, l := range all {
		if above += l.time; above >= seen/10 {
			if all[0].rate > 4*l.rate {
				return l.rate
			}
			break
		}
	}
	if len(all) == 0 {
		return 0
	}
	return all[0].rate
}

// draw adds the line of samples that somebody watched, up to their end.
func (c *rateChart) draw(samples []sample, end, to time.Time) {
	x := func(t time.Time) float64 {
		return max(0, min(chartWidth, chartWidth*(1-to.Sub(t).Seconds()/c.Span.Seconds())))
	}
	y := func(rate float64) float64 { return chartHeight - 2 - (chartHeight-4)*min(1, rate/c.Top) }
	var points []string
	for i, s := range samples {
		if i > 0 && s.at.Sub(samples[i-1].at) > 3*every { // it was the same all the time
			points = append(points, point(x(s.at), y(samples[i-1].rate)))
		}
		points = append(points, point(x(s.at), y(s.rate)))
	}
	points = append(points, point(x(end), y(samples[len(samples)-1].rate)))
	line := strings.Join(points, " ")
	c.Lines = append(c.Lines, line)
	c.Areas = append(c.Areas, point(x(samples[0].at), chartHeight-2)+" "+line+" "+point(x(end), chartHeight-2))
}

func point(x, y float64) string { return fmt.Sprintf("%.1f,%.1f", x, y) }

// round returns a number that is easy to read, and not below n.
func round(n float64) float64 {
	if n <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(n)))
	for _, step := range []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
		if n <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

// readChart is what dual reads came to, hour by hour.
type readChart struct {
	Bars  []readBar
	Width float64 // of a bar
	Most  int64   // of the highest bar
	Since time.Time
}

type readBar struct {
	X, Y, Height float64
	Count        int64
	Bad          bool // mismatches, or reads that found nothing, are in it
	Hour         time.Time
}

// readDays is how far back the chart of dual reads goes.
const readDays = 7

// hours draws the fallbacks, missing and mismatches of the last days.
func hours(r bgtransform.Reads) readChart {
	const n = readDays * 24
	last := r.Now.Truncate(time.Hour)
	c := readChart{Width: chartWidth/n - 0.6, Since: last.Add(-(n - 1) * time.Hour)}
	count := func(h bgtransform.HourOfReads) int64 { return h.Fallbacks + h.Missing + h.Mismatches }
	for _, h := range r.Hours {
		if !h.Hour.Before(c.Since) {
			c.Most = max(c.Most, count(h))
		}
	}
	for _, h := range r.Hours {
		total := count(h)
		if h.Hour.Before(c.Since) || total == 0 {
			continue
		}
		height := max(2, (chartHeight-4)*float64(total)/float64(c.Most))
		c.Bars = append(c.Bars, readBar{
			X: chartWidth / n * math.Round(h.Hour.Sub(c.Since).Hours()), Y: chartHeight - height, Height: height,
			Count: total, Bad: h.Missing+h.Mismatches > 0, Hour: h.Hour,
		})
	}
	return c
}
