package window

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxLength is how long one interval may be: a week. Longer ones overlap
// themselves in nearly every schedule, and are written by mistake.
const maxLength = 7 * day

// parseLength parses a Go duration that may begin with a number of days.
func parseLength(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, ok := number(days)
	if !ok {
		return 0, fmt.Errorf("duration %q is not one; write 8h, 90m, 1d or 1d12h", text)
	}
	var d time.Duration
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, fmt.Errorf("duration %q is not one; write 8h, 90m, 1d or 1d12h", text)
		}
	}
	if n > int(maxLength/day) || d > maxLength || time.Duration(n)*day+d > maxLength {
		return 0, fmt.Errorf("duration %q is longer than 7 days", text)
	}
	if d += time.Duration(n) * day; d <= 0 || rest != "" && rest[0] == '-' {
		return 0, fmt.Errorf("duration %q must be more than 0 and at most 7 days", text)
	}
	return d, nil
}

// formatLength is the inverse of parseLength, in its shortest form.
func formatLength(d time.Duration) string {
	var days string
	if n := d / day; n > 0 {
		days = strconv.Itoa(int(n)) + "d"
	}
	if d %= day; d == 0 {
		return days
	}
	rest := d.String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return days + rest
}
