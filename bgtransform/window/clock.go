package window

import "time"

// maxShift is more than any zone ever differed from UTC, and more than any change
// of the clocks, of which some moved a country across the date line.
const maxShift = 2 * day

// maxChanges is more changes than any zone had within twice maxShift. It bounds
// loops that would otherwise trust the zone's data to end them.
const maxChanges = 16

// clock returns what the clock that windows follow shows at t in zone, labelled
// as UTC: the wall clock, but never running backward. During a repeated hour it
// stands just before the end of that hour.
//
// It is the largest civil time that has been reached by t, and so the counterpart
// of instant: clock(t) is at or after c exactly if t is at or after instant(c).
func clock(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	shown := civil(local)
	from, _ := local.ZoneBounds()
	for range maxChanges {
		if from.IsZero() || local.Sub(from) >= maxShift {
			break
		}
		before := from.Add(-1)
		if c := civil(before); c.After(shown) {
			shown = c
		}
		from, _ = before.ZoneBounds()
	}
	return shown
}

// instant returns, in zone, the first instant at which the wall clock of zone
// shows the civil time c, or the moment at which it jumps over c.
func instant(c time.Time, zone *time.Location) time.Time {
	at := c.Add(-maxShift).In(zone)
	for range maxChanges {
		_, offset := at.Zone()
		shows := c.Add(-time.Duration(offset) * time.Second)
		if shows.Before(at) {
			break // the clock jumped from before c to after c
		}
		change := zoneEnd(at)
		if change.IsZero() || shows.Before(change) {
			return shows.In(zone)
		}
		at = change
	}
	return at
}

// clockBack is the counterpart of clock that lags where that one leads: the
// smallest civil time that is shown at t or later. Before an hour is repeated, it
// stands at the beginning of that hour until that comes for the second time.
//
// It is to lastInstant what clock is to instant: clockBack(t) is at or after c
// exactly if t is at or after lastInstant(c).
func clockBack(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	shown := civil(local)
	end := zoneEnd(local)
	for range maxChanges {
		if end.IsZero() || end.Sub(local) >= maxShift {
			break
		}
		if c := civil(end); c.Before(shown) {
			shown = c
		}
		end = zoneEnd(end)
	}
	return shown
}

// lastInstant returns, in zone, the instant from which on the wall clock of zone
// never again shows a time before the civil time c.
func lastInstant(c time.Time, zone *time.Location) time.Time {
	at := c.Add(-maxShift).In(zone)
	last := at
	for range maxChanges {
		_, offset := at.Zone()
		shows, change := c.Add(-time.Duration(offset)*time.Second), zoneEnd(at)
		if shows.After(at) {
			last = shows
			if !change.IsZero() && change.Before(shows) {
				last = change
			}
		}
		if change.IsZero() || change.Sub(c) >= maxShift {
			break
		}
		at = change
	}
	return last.In(zone)
}

// zoneEnd returns the end of the zone in effect at t, or an earlier instant after
// t; zero if it has no end.
//
// On the last day of a leap year ZoneBounds returns an end that is not after t, if
// the zone follows a rule then and not a list of changes (golang/go#81583). Such a
// rule starts anew each year, as do its bounds.
func zoneEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		return time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC).In(t.Location())
	}
	return end
}

// civil returns the date and time that local shows, labelled as UTC.
func civil(local time.Time) time.Time {
	_, offset := local.Zone()
	return local.UTC().Add(time.Duration(offset) * time.Second)
}
