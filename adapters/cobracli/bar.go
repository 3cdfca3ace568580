package cobracli

import (
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// bar draws a share of the whole; a negative one is not known.
func bar(share float64) string {
	const width = 20
	full := int(max(0, min(1, share)) * width)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]"
}

// percent writes a share; "-" if it is not known. Only a run that has come to its end
// has all of it.
func percent(share float64) string {
	if share < 0 {
		return "-"
	}
	if share < 1 {
		share = min(share, 0.99)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

// rateText is how fast it goes, in rows that are walked, pending or not: a pass that looks for
// what is left goes faster than rows may be changed. Empty while it does not go, for then the rate is that of
// the batches before.
func rateText(st bgtransform.Status) string {
	if st.RowsPerSec <= 0 || !advances(st) {
		return ""
	}
	return thousands(int64(st.RowsPerSec)) + " walked/s"
}

// progress is how far a transform is, in one line.
func progress(st bgtransform.Status) string {
	parts := []string{fmt.Sprintf("%s is %s", st.Transform, st.State)}
	if v := st.Verify; underWay(v) {
		parts[0] += ", verification " + string(v.State)
		if v.State == bgtransform.VerifyAsked {
			return parts[0]
		}
		return strings.Join(append(parts, thousands(v.Rows)+" rows compared", percent(v.Progress)+" done"), ", ")
	}
	parts = append(parts, thousands(st.Rows)+" rows changed")
	if st.Progress >= 0 {
		parts = append(parts, percent(st.Progress)+" done")
	}
	if rate := rateText(st); rate != "" {
		parts = append(parts, rate)
	}
	if st.Quarantined > 0 {
		parts = append(parts, count(st.Quarantined, "row")+" in quarantine")
	}
	if st.Finish.State == bgtransform.ForecastReady {
		parts = append(parts, st.Finish.String())
	}
	return strings.Join(parts, ", ")
}

// barLine is progress with a bar, short enough for most terminals.
func barLine(st bgtransform.Status) string {
	share, state, done := st.Progress, string(st.State), thousands(st.Rows)+" rows"
	switch {
	case underWay(st.Verify):
		share, state, done = st.Verify.Progress, "verification "+string(st.Verify.State), thousands(st.Verify.Rows)+" compared"
	case st.State == bgtransform.StateComplete:
		share = 1
	}
	line := fmt.Sprintf("%s %4s  %s  %s  %s", bar(share), percent(share), st.Transform, state, done)
	if rate := rateText(st); rate != "" {
		line += "  " + rate
	}
	return line
}

// reasonLine says why a transform does not advance, or what limits it; empty if nothing does.
func (c config) reasonLine(st bgtransform.Status) string {
	why := st.Why()
	if why.Until.IsZero() || why.Until.Sub(c.now()) < time.Second {
		return why.Text
	}
	return fmt.Sprintf("%s (%s)", why.Text, c.in(why.Until))
}
