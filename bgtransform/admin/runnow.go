package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// longestRun is how long a window may be opened at most.
const longestRun = 12 * time.Hour

// runNow opens the window of a transform for some time from now on.
func runNow(ctx context.Context, c *bgtransform.Control, o order) error {
	all, err := c.Status(ctx, o.name)
	if err != nil {
		return err
	}
	wider, until, err := opened(all[0].Window, time.Now(), o.length)
	if err != nil {
		return problem{http.StatusUnprocessableEntity, err.Error()}
	}
	why := "run now until " + until.Format("15:04 MST")
	if o.by.Why != "" {
		why += ": " + o.by.Why
	}
	return c.Tune(ctx, o.name, bgtransform.By{Who: o.by.Who, Why: why}, map[bgtransform.Setting]string{bgtransform.SettingWindow: wider})
}

// opened returns the text of a window that is open at now as well, for some time, and
// when that ends. It is joined to what is there, so that nobody has to set it back; as a
// cron expression has no year, it comes again in a year, for those who leave it there.
func opened(text string, now time.Time, length time.Duration) (wider string, until time.Time, err error) {
	if length < time.Minute || length > longestRun {
		return "", time.Time{}, fmt.Errorf("run now is for a time of 1m to %s, not %s", longestRun, length)
	}
	if text == "" {
		return "", time.Time{}, fmt.Errorf("its window is not known here before it has run once; change the setting WINDOW instead")
	}
	w, err := window.Parse(text)
	if err != nil {
		return "", time.Time{}, err
	}
	from := now.UTC().Truncate(time.Minute)
	if closes, known := w.Closes(now); w.Contains(now) && (!known || !closes.Before(from.Add(length))) {
		return "", time.Time{}, fmt.Errorf("its window is open already, and for longer than that")
	}
	once := fmt.Sprintf("%d %d %d %d * for %s in UTC", from.Minute(), from.Hour(), from.Day(), int(from.Month()), length)
	joined, err := window.Parse(w.String() + "; " + once)
	if err != nil {
		return "", time.Time{}, err
	}
	if !joined.Contains(now) {
		return "", time.Time{}, fmt.Errorf("an exception of its window keeps it shut now: %s; change the setting WINDOW if you mean to override that", text)
	}
	until, _ = joined.Closes(now)
	return joined.String(), until, nil
}
