package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// quiet weighs what the pool's reads have come to.
func (w *weigher) quiet(ctx context.Context, name string, fresh bool) ([]Missing, error) {
	r, err := w.control.Reads(ctx, name)
	if errors.Is(err, bgtransform.ErrUnknownTransform) { // the table is not there
		return nil, w.ours(ctx)
	}
	if err != nil {
		return nil, err
	}
	return w.calmness(name, r, fresh), nil
}

// calmness says what happened too lately, or that nobody has looked for long enough.
// Where a transform has never run, nobody needs to have looked.
func (w *weigher) calmness(name string, r bgtransform.Reads, fresh bool) []Missing {
	began, ended := watched(r)
	var missing []Missing
	for _, kind := range []struct {
		piece Piece
		last  time.Time
		what  string
	}{
		{PieceFallback, r.LastFallback, "a read fell back to the old column"},
		{PieceMissing, r.LastMissing, "a read found nothing in the new column, and gave a wrong answer"},
		{PieceMismatch, r.LastMismatch, "a read found that the old and the new column differ"},
	} {
		if left := w.calm - ended.Sub(kind.last); !kind.last.IsZero() && left > 0 {
			missing = append(missing, Missing{
				Transform: name, Piece: kind.piece, Remaining: -1, Until: r.Now.Add(left),
				Text:     fmt.Sprintf("%s %s ago; want none for %s", kind.what, brief(r.Now.Sub(kind.last)), brief(w.calm)),
				Commands: []string{w.say("reads", name), w.say("verify", name)},
			})
		}
	}
	if left := w.calm - ended.Sub(began); len(missing) == 0 && !fresh && left > 0 {
		m := Missing{Transform: name, Piece: PieceReads, Remaining: -1, Commands: []string{w.say("reads", name)}}
		m.Text = "no instance counts its reads: the transform has no column on the move (see bgtransform.DualWriter); gate.WithoutColumn is for one that needs none"
		if !began.IsZero() {
			m.Text, m.Until = fmt.Sprintf("its reads were counted for %s without a gap; want %s", brief(ended.Sub(began)), brief(w.calm)), r.Now.Add(left)
		}
		missing = append(missing, m)
	}
	return missing
}

// unseen is how long nobody may have written that reads are counted. Instances do so
// once an hour at least.
const unseen = 90 * time.Minute

// watched returns the last stretch of time, without gaps, in which somebody counted
// reads. It ends now unless nobody does any more.
func watched(r bgtransform.Reads) (began, ended time.Time) {
	if len(r.Hours) == 0 {
		return time.Time{}, time.Time{}
	}
	last := len(r.Hours) - 1
	began, ended = r.Hours[last].Since, r.Hours[last].Seen
	for i := last - 1; i >= 0 && began.Sub(r.Hours[i].Seen) <= unseen; i-- {
		began = r.Hours[i].Since
	}
	if r.Now.Sub(ended) <= unseen {
		ended = r.Now
	}
	return began, ended
}

// brief spells a duration without what nobody asks for: "24h", "3h10m", "12s".
func brief(d time.Duration) string {
	switch {
	case d >= 10*time.Minute:
		d = d.Round(time.Minute)
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	default:
		d = d.Round(time.Millisecond)
	}
	text := d.String()
	if d >= time.Minute {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
