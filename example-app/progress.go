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
	if kind := string(st.State) + string(why.Code); !why.IsZero() && kind != p.said {
		p.con.Printf("%s is %s: %s", st.Transform, st.State, why.Text)
		p.said = kind
	}
	if why.IsZero() {
		p.said = ""
	}
	p.con.Bar(p.line(st, !why.IsZero()))
	if !p.con.terminal && why.IsZero() && now.Sub(p.told) >= plainEvery {
		p.told = now
		p.con.Printf("%s", p.line(st, false))
	}
}

// line fits into 80 columns, so that a terminal can erase it.
func (p *progress) line(st bgtransform.Status, waits bool) string {
	parts := []string{
		fmt.Sprintf("%s %s %3.0f%%", st.Transform, bar(st.Progress), 100*max(st.Progress, 0)),
		thousands(st.Rows) + " rows",
	}
	switch {
	case waits:
		parts = append(parts, string(st.State))
	case st.RowsPerSec > 0:
		parts = append(parts, fmt.Sprintf("%s/s", thousands(int64(st.RowsPerSec))), left(st))
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

// left estimates the rest of the pass.
func left(st bgtransform.Status) string {
	if st.Remaining < 0 {
		return "? left"
	}
	seconds := float64(st.Remaining) / st.RowsPerSec
	return time.Duration(seconds*float64(time.Second)).Round(time.Second).String() + " left"
}

// bar draws a share of the whole; -1 is not known.
func bar(share float64) string {
	const width = 10
	full := int(max(0, min(1, share)) * width)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]"
}
