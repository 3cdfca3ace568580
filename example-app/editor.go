package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
)

// edit is what an editor does: correct a length to the millisecond, change a
// title, or add a track; and look whether it has worked.
func (t *traffic) edit(ctx context.Context) error {
	if rand.IntN(10) == 0 {
		return t.addTrack(ctx)
	}
	id, err := t.anyTrack(ctx, 0.8)
	if err != nil {
		return t.hasFailed(ctx, err)
	}
	known, err := t.catalogue.truths(ctx, id, 1)
	if err != nil {
		return t.hasFailed(ctx, err)
	}
	if len(known) == 0 || known[0].LengthMS == nil {
		return nil // bad lengths are for a human to look at
	}
	if rand.IntN(5) == 0 {
		return t.retitle(ctx, id)
	}
	return t.correct(ctx, id)
}

// correct gives a track another length.
func (t *traffic) correct(ctx context.Context, id int64) error {
	ms := anyLength()
	whole := t.catalogue.whole()
	var got trackJSON
	if err := t.call(ctx, "PUT", fmt.Sprintf("/tracks/%d", id), edit{LengthMS: &ms}, &got); err != nil {
		return t.hasFailed(ctx, err)
	}
	t.edits.Add(1)
	if whole == t.catalogue.whole() && !t.catalogue.written(ms).agrees(got.LengthMS, whole) {
		return t.isWrong("track %d: saved %d ms, the answer says %d ms", id, ms, got.LengthMS)
	}
	return t.readTrack(ctx, id)
}

// retitle leaves the length alone, so that a row may still be waiting to be moved.
func (t *traffic) retitle(ctx context.Context, id int64) error {
	title := fmt.Sprintf("Track %d (Remastered)", id)
	var got trackJSON
	if err := t.call(ctx, "PUT", fmt.Sprintf("/tracks/%d", id), edit{Title: &title}, &got); err != nil {
		return t.hasFailed(ctx, err)
	}
	t.edits.Add(1)
	return t.readTrack(ctx, id)
}

func (t *traffic) addTrack(ctx context.Context) error {
	title, artist, ms := "Fresh Song", "The Newcomers", anyLength()
	var got trackJSON
	if err := t.call(ctx, "POST", "/tracks", edit{&title, &artist, &ms}, &got); err != nil {
		return t.hasFailed(ctx, err)
	}
	t.added.Add(1)
	return t.readTrack(ctx, got.ID)
}

// anyLength is never whole seconds only by chance: what rounds to seconds is lost
// in the old column, so a stale write of the transform would show.
func anyLength() int64 { return 60_001 + rand.Int64N(500)*1000 + rand.Int64N(999) }

// call sends a request to the app and reads its answer into out.
func (t *traffic) call(ctx context.Context, method, path string, in any, out any) error {
	var body io.Reader
	if e, ok := in.(edit); ok {
		text, err := json.Marshal(editJSON{Title: e.Title, Artist: e.Artist, LengthMS: e.LengthMS})
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, body)
	if err != nil {
		return err
	}
	res, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	return json.Unmarshal(answer, out)
}
