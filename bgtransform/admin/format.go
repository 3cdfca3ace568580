package admin

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// functions are what templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"number": number, "rate": rate, "percent": percent, "when": when, "stamp": stamp, "path": url.PathEscape,
		"tone": tone, "hours": hours, "bar": bar, "rows": rows, "line": firstLine, "verb": verb, "minutes": minutes, "finish": finish,
	}
}

// number spells a count: 1,234,567.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// rows spells a count of rows.
func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return number(n) + " rows"
}

// rate spells rows a second.
func rate(r float64) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return number(int64(math.Round(r)))
}

// percent spells a share from 0 to 1, and never 100 for less than all.
func percent(share float64) string {
	switch {
	case share < 0:
		return "not known"
	case share < 0.1:
		return strconv.FormatFloat(math.Floor(share*1000)/10, 'f', 1, 64) + " %"
	default:
		return strconv.Itoa(int(math.Floor(share*100+1e-9))) + " %"
	}
}

// bar is a share for a progress element, from 0 to 1000.
func bar(share float64) int { return int(1000 * max(0, min(1, share))) }

// when spells a time in the zone of the server, with the date unless it is today.
func when(t time.Time) string { return whenAt(t, time.Now()) }

func whenAt(t, now time.Time) string {
	local := t.Local()
	switch y, m, d := now.Local().Date(); {
	case t.IsZero():
		return "never"
	case local.Equal(time.Date(y, m, d, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.Local)):
		return local.Format("15:04:05 MST")
	default:
		return local.Format("2006-01-02 15:04:05 MST")
	}
}

// stamp is a time for machines.
func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// tone is how a state is to look: good, busy, idle, or bad.
func tone(s bgtransform.State) string {
	switch s {
	case bgtransform.StateComplete, bgtransform.StateReverted:
		return "good"
	case bgtransform.StateRunning, bgtransform.StateReverting:
		return "busy"
	case bgtransform.StateFailed:
		return "bad"
	default:
		return "idle"
	}
}

// firstLine is the first line of a text, such as that of an error with a stack.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// verb spells an action for a button.
func verb(name string) string {
	switch name {
	case "stop-verify":
		return "Stop verifying"
	case "retry":
		return "Retry quarantine"
	case "accept":
		return "Accept quarantine"
	case "run-now":
		return "Run now"
	default:
		return fmt.Sprintf("%s%s", strings.ToUpper(name[:1]), name[1:])
	}
}

// minutes spells a time that is a few minutes.
func minutes(d time.Duration) string {
	if d == time.Minute {
		return "1 minute"
	}
	return strconv.Itoa(int(d.Minutes())) + " minutes"
}

// finish spells when a transform ends. Why it does not stands above it, and is not said twice.
func finish(f bgtransform.Forecast, why bgtransform.Reason) string {
	if why.Text != "" && strings.HasPrefix(f.Why, why.Text) {
		return strings.TrimSuffix(f.String(), ": "+f.Why)
	}
	return f.String()
}
