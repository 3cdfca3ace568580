package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// longestRunNow is how long a window may be opened at most.
const longestRunNow = 12 * time.Hour

// RunNow opens the window of a transform for d from now on, besides when it is open
// anyway, and returns when it closes again. d is one minute to twelve hours. Pace, health
// signals and pool hold as ever.
//
// It is [Control.Tune] of [SettingWindow], which joins this one time to the window that
// holds. So it ends by itself, also when whoever did it has gone to bed; [Control.Untune]
// ends it before. A window's text has no year: what is left there for one comes again then.
//
// The error is an [ErrSetting] for another d, and an [ErrNotAllowed] if the window is open
// for longer already, if one of its exceptions keeps it shut, or if no attempt has begun
// yet, so that the database does not know it.
func (c *Control) RunNow(ctx context.Context, name string, by By, d time.Duration) (until time.Time, err error) {
	all, err := c.Status(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	wider, until, err := opened(all[0].Window, time.Now(), d)
	if err != nil {
		return time.Time{}, fmt.Errorf("bgtransform: run transform %q now: %w", name, err)
	}
	why := "run now until " + until.Format("15:04 MST")
	if by.Why != "" {
		why += ": " + by.Why
	}
	if err := c.Tune(ctx, name, By{Who: by.Who, Why: why}, map[Setting]string{SettingWindow: wider}); err != nil {
		return time.Time{}, err
	}
	return until, nil
}

// opened returns the text of a window that is open at now as well, for some time, and
// when that ends. It is joined to what is there, so that nobody has to set it back.
func opened(text string, now time.Time, length time.Duration) (wider string, until time.Time, err error) {
	if length < time.Minute || length > longestRunNow {
		return "", time.Time{}, fmt.Errorf("%w: run now is for a time of 1m to %s, not %s", ErrSetting, longestRunNow, length)
	}
	if text == "" {
		return "", time.Time{}, fmt.Errorf("%w: its window is not known here before it has run once; change the setting WINDOW instead", ErrNotAllowed)
	}
	w, err := window.Parse(text)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	from := now.UTC().Truncate(time.Minute)
	if closes, known := w.Closes(now); w.Contains(now) && (!known || !closes.Before(from.Add(length))) {
		return "", time.Time{}, fmt.Errorf("%w: its window is open already, and for longer than that", ErrNotAllowed)
	}
	once := fmt.Sprintf("%d %d %d %d * for %s in UTC", from.Minute(), from.Hour(), from.Day(), int(from.Month()), length)
	joined, err := window.Parse(w.String() + "; " + once)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrSetting, err)
	}
	if !joined.Contains(now) {
		return "", time.Time{}, fmt.Errorf("%w: an exception of its window keeps it shut now: %s; change the setting WINDOW if you mean to override that", ErrNotAllowed, text)
	}
	until, _ = joined.Closes(now)
	return joined.String(), until, nil
}
