package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// progress shows a transform: a bar that moves on a terminal, elsewhere a line
// now and then, and in both a line whenever it begins to wait, with the reason.
type progress struct {
	con  *console
	here string    // this instance
	said string    // the last kind of reason that was said
	told time.Time // when the last plain line was
}

// plainEvery is how often a line tells the progress where no bar can.
const plainEvery = 2 * time.Second

// show brings the display up to date.
func (p *progress) show(st bgtransform.Status, now time.Time) {
	if st.State == bgtransform.StateComplete {
		p.con.Bar("")
		p.said = ""
		return
	}
	why := st.Why()
	if why.Code == bgtransform.ReasonThrottle {
		why = bgtransform.Reason{} // it is paced, and advances
	}
	if kind := kind(st, why); !why.IsZero() && kind != p.said {
		p.con.Printf("%s is %s: %s%s", st.Transform, st.State, why.Text, foretold(st.Finish))
		p.said = kind
	}
	if why.IsZero() {
		switch {
		case strings.HasSuffix(p.said, string(bgtransform.ReasonWindow)):
			p.con.Printf("%s goes on: its window has opened", st.Transform)
		case strings.HasSuffix(p.said, string(bgtransform.ReasonHealth)):
			p.con.Printf("%s goes on at its own pace", st.Transform)
		}
		p.said = ""
	}
	advances := why.IsZero() || why.Code == bgtransform.ReasonHealth // slower, or not at all for a while
	p.con.Bar(p.line(st, !advances))
	if !p.con.terminal && advances && now.Sub(p.told) >= plainEvery {
		p.told = now
		p.con.Printf("%s", p.line(st, false))
	}
}

// kind is what stays the same of a reason while its numbers change: a signal that is
// read every second is no news each time.
func kind(st bgtransform.Status, why bgtransform.Reason) string {
	kind := string(st.State) + " " + string(why.Code)
	if why.Code == bgtransform.ReasonHealth {
		words := why.Text
		if i := strings.IndexAny(words, "0123456789"); i >= 0 {
			words = words[:i]
		}
		kind = words + string(why.Code)
	}
	return kind
}

// foretold adds to a reason when it will be complete all the same.
func foretold(f bgtransform.Forecast) string {
	if f.State != bgtransform.ForecastReady {
		return ""
	}
	return "; " + f.String()
}

// line fits into 80 columns, so that a terminal can erase it.
func (p *progress) line(st bgtransform.Status, waits bool) string {
	parts := []string{
		fmt.Sprintf("%s %s %3.0f%%", st.Transform, bar(st.Progress), 100*max(st.Progress, 0)),
		thousands(st.Rows) + " rows",
	}
	switch {
	case waits && st.Finish.State == bgtransform.ForecastReady:
		parts = append(parts, string(st.State), ahead(st.Finish))
	case waits:
		parts = append(parts, string(st.State))
	case st.RowsPerSec > 0:
		parts = append(parts, fmt.Sprintf("%s walked/s", thousands(int64(st.RowsPerSec))), ahead(st.Finish))
	}
	if st.Quarantined > 0 {
		parts = append(parts, fmt.Sprintf("%d bad", st.Quarantined))
	}
	if st.Pass > 1 {
		parts = append(parts, fmt.Sprintf("pass %d", st.Pass))
	}
	if st.Holder != "" && st.Holder != p.here {
		parts = append(parts, "elsewhere")
	}
	line := strings.Join(parts, "  ")
	return line[:min(len(line), 79)]
}

// ahead says when it will be complete, in few words: after how much work, or, if a
// window will shut before, at which time.
func ahead(f bgtransform.Forecast) string {
	switch {
	case f.State != bgtransform.ForecastReady:
		return string(f.State)
	case f.Windows > 1:
		return fmt.Sprintf("%s, %d windows", moment(f), f.Windows)
	case f.At.Sub(f.Made) > f.Left+time.Second:
		return moment(f)
	default:
		return f.Left.Round(time.Second).String() + " left"
	}
}

// moment is when it will be complete, to the second where that is soon.
func moment(f bgtransform.Forecast) string {
	if f.At.Sub(f.Made) < 10*time.Minute {
		return f.At.Format(time.TimeOnly)
	}
	return f.At.Format("Mon 15:04")
}

// bar draws a share of the whole; -1 is not known.
func bar(share float64) string {
	const width = 10
	full := int(max(0, min(1, share)) * width)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]"
}
