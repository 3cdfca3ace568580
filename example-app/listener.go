package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// listen is what a listener does: look at a track, or at a page of long ones.
func (t *traffic) listen(ctx context.Context) error {
	id, err := t.anyTrack(ctx, 0.5)
	if err != nil {
		return t.hasFailed(ctx, err)
	}
	if rand.IntN(5) == 0 {
		return t.readPage(ctx, id)
	}
	return t.readTrack(ctx, id)
}

// nextBatch is how many rows the transform's next batch has, or about that.
const nextBatch = 1000

// anyTrack picks a track that is there. A share of the time it is one that the
// transform is just about to move, or moving, where a mistake would show.
func (t *traffic) anyTrack(ctx context.Context, moving float64) (int64, error) {
	last, err := t.catalogue.last(ctx)
	if err != nil {
		return 0, fmt.Errorf("find a track: %w", err)
	}
	if last == 0 {
		return 1, nil
	}
	if rand.Float64() >= moving {
		return 1 + rand.Int64N(last), nil
	}
	at := int64(0)
	if all, err := t.sched.Status(ctx); err == nil && len(all) > 0 {
		at = all[0].Walked // the ids have no gaps
	}
	return min(last, at+1+rand.Int64N(nextBatch)), nil
}

// readTrack reads a track and compares its length with the truth. The truth is
// read before and after: if somebody has edited it meanwhile, any answer is right.
func (t *traffic) readTrack(ctx context.Context, id int64) error {
	before, err := t.look(ctx, id, 1)
	if err != nil {
		return t.hasFailed(ctx, err)
	}
	if len(before.truths) == 0 || before.truths[0].LengthMS == nil {
		return nil // not there, or of a bad length
	}
	var got trackJSON
	if err := t.call(ctx, "GET", fmt.Sprintf("/tracks/%d", id), nil, &got); err != nil {
		return t.hasFailed(ctx, err)
	}
	t.reads.Add(1)
	after, err := t.look(ctx, id, 1)
	if err != nil || !before.same(after) {
		return err
	}
	if u := after.truths[0]; !u.agrees(got.LengthMS, after.whole) || got.Length != *u.LengthMS/1000 {
		return t.isWrong("track %d: read %d ms and %d s, the truth is %d ms", id, got.LengthMS, got.Length, *u.LengthMS)
	}
	return nil
}

// pageSpan is over how many tracks the page of a listener stretches at most.
const pageSpan = 200

// readPage reads the first tracks after id that are long enough, filtered by the
// dual read in SQL, and compares them with the truth as readTrack does.
func (t *traffic) readPage(ctx context.Context, id int64) error {
	p := page{After: id - 1, Limit: 20}
	before, err := t.look(ctx, id, pageSpan)
	if err != nil {
		return t.hasFailed(ctx, err)
	}
	least := before.least()
	var got listJSON
	path := fmt.Sprintf("/tracks?min_length_ms=%d&after=%d&limit=%d", least, p.After, p.Limit)
	if err := t.call(ctx, "GET", path, nil, &got); err != nil {
		return t.hasFailed(ctx, err)
	}
	t.reads.Add(1)
	after, err := t.look(ctx, id, pageSpan)
	if err != nil || !before.same(after) {
		return err
	}
	want := after.longEnough(least, int(p.Limit))
	have := within(got.Tracks, id+pageSpan)
	if !slices.EqualFunc(have, want, func(m measured, u truth) bool { return m.ID == u.TrackID && u.agrees(m.LengthMS, after.whole) }) {
		return t.isWrong("%s: read %v, the truth is %v", path, have, asMeasured(want))
	}
	return nil
}

// sight is the truth at a moment, with what the answers depend on besides.
type sight struct {
	truths []truth
	phase  dualread.Phase // that requests read in
	whole  bool           // they see whole seconds
}

func (t *traffic) look(ctx context.Context, from, n int64) (sight, error) {
	s := sight{whole: t.catalogue.number == 1}
	if t.catalogue.moves() {
		s.phase = t.catalogue.length.Phase()
		s.whole = s.phase == dualread.PhaseOld
	}
	var err error
	s.truths, err = t.catalogue.truths(ctx, from, n)
	return s, err
}

// same reports whether nothing has changed between two sights.
func (s sight) same(o sight) bool {
	return s.phase == o.phase && slices.EqualFunc(s.truths, o.truths, func(a, b truth) bool { return a.TrackID == b.TrackID && a.Edits == b.Edits })
}

// least picks a length to ask for: a whole second, where some truths are known no
// better.
func (s sight) least() int64 {
	ms := 100_000 + rand.Int64N(300_000)
	if slices.ContainsFunc(s.truths, func(u truth) bool { return u.Whole }) {
		return ms / 1000 * 1000
	}
	return ms
}

// longEnough returns what a page should show, according to the truth.
func (s sight) longEnough(least int64, limit int) []truth {
	var out []truth
	for _, u := range s.truths {
		if u.LengthMS == nil || len(out) == limit {
			continue
		}
		if ms := *u.LengthMS; ms >= least && (!s.whole || ms/1000*1000 >= least) {
			out = append(out, u)
		}
	}
	return out
}

// measured is a track and its length.
type measured struct{ ID, LengthMS int64 }

// within returns what a page shows of the tracks before an id.
func within(tracks []trackJSON, end int64) []measured {
	out := []measured{}
	for _, got := range tracks {
		if got.ID < end {
			out = append(out, measured{got.ID, got.LengthMS})
		}
	}
	return out
}

func asMeasured(truths []truth) []measured {
	out := make([]measured, len(truths))
	for i, u := range truths {
		out[i] = measured{u.TrackID, *u.LengthMS}
	}
	return out
}
