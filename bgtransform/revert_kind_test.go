package bgtransform_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// remover is a kind of its own that deletes rows, and keeps each as its image.
type remover struct {
	size int
	undo func(ctx context.Context, tx bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error)
}

func (remover) Definition() bgtransform.Definition { return bgtransform.Definition{Name: "remove"} }

func (r remover) Open(_ context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	return removeStepper{r, db}, nil
}

// irrevocable is a remover of a version of the app that cannot bring rows back.
type irrevocable struct{ remover bgtransform.Transform }

func (i irrevocable) Definition() bgtransform.Definition { return i.remover.Definition() }

func (i irrevocable) Open(ctx context.Context, db *bun.DB) (bgtransform.Stepper, error) {
	return i.remover.Open(ctx, db)
}

func (r remover) OpenRevert(context.Context, *bun.DB) (bgtransform.Undoer, error) { return r, nil }

// Undo implements [bgtransform.Undoer].
func (r remover) Undo(ctx context.Context, tx bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
	if r.undo != nil {
		return r.undo(ctx, tx, images)
	}
	undone := make([]bgtransform.Undone, len(images))
	for i, im := range images {
		var m Track
		if err := json.Unmarshal([]byte(im.Before), &m); err != nil {
			return nil, err
		}
		taken, err := tx.NewSelect().Model((*Track)(nil)).Where("id = ?", m.ID).Exists(ctx)
		if err != nil {
			return nil, err
		}
		if undone[i] = bgtransform.UndoneChanged; !taken {
			undone[i] = bgtransform.UndoneReverted
			if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
				return nil, err
			}
		}
	}
	return undone, nil
}

type removeStepper struct {
	remover
	db *bun.DB
}

// Step removes what is next, and is at its end when nothing is.
func (r removeStepper) Step(ctx context.Context, req bgtransform.Request) (bgtransform.Step, error) {
	var tracks []Track
	if err := r.db.NewSelect().Model(&tracks).Where("id <= 25").OrderExpr("id").Limit(int64(r.size)).Scan(ctx); err != nil || len(tracks) == 0 {
		return bgtransform.Step{Cursor: req.After, Last: true}, err
	}
	out := bgtransform.Applied{Changed: len(tracks)}
	for _, m := range tracks {
		text, err := json.Marshal(m)
		if err != nil {
			return bgtransform.Step{}, err
		}
		out.Images = append(out.Images, bgtransform.Image{Key: "track " + m.Title, Before: string(text), After: "gone"})
	}
	return bgtransform.Step{
		Cursor: tracks[len(tracks)-1].Title, Keys: len(tracks), Last: len(tracks) < r.size,
		Apply: func(ctx context.Context, tx bun.Tx) (bgtransform.Applied, error) {
			_, err := tx.NewDelete().Model((*Track)(nil)).Where("id <= 25 AND id <= ?", tracks[len(tracks)-1].ID).Exec(ctx)
			return out, err
		},
	}, nil
}

// A kind of the app's own brings back what it has deleted, but not over what the
// app has put there since.
func TestRevertOfAKindOfItsOwn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 40)
		before := snapshot(t, db, allTracks)
		in := start(t, db, quick(t), remover{size: 10})
		in.untilState("remove", bgtransform.StateComplete)
		if n := count(t, db, "SELECT count(*) FROM tracks"); n != 15 {
			t.Fatalf("%d rows are left, want 15", n)
		}
		exec(t, db, "INSERT INTO tracks (id, title, length) VALUES (3, 'new', 1)")
		must(t, in.Control().Revert(t.Context(), "remove", ann))
		st := in.untilState("remove", bgtransform.StateReverted)
		if st.Rows != 24 || st.Moved != 1 {
			t.Errorf("%d rows were brought back, %d left; want 24 and 1", st.Rows, st.Moved)
		}
		same(t, snapshot(t, db, allTracks), before, "3")
		left, err := in.Control().Journal(t.Context(), "remove", 1)
		must(t, err)
		if left[0].Key != "track track 3" || left[0].Standing != "changed" || left[0].After != "gone" {
			t.Errorf("the journal lists %+v", left)
		}
	})
}

// What is wrong with a kind's code ends its revert, says what it is, and quotes no row.
func TestI8RevertByCodeThatIsWrong(t *testing.T) {
	t.Parallel()
	type undoFunc = func(ctx context.Context, tx bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error)
	for want, undo := range map[string]undoFunc{
		"Undo returned 0 results for 25 images": func(context.Context, bun.Tx, []bgtransform.Image) ([]bgtransform.Undone, error) {
			return nil, nil
		},
		"none of bgtransform's": func(_ context.Context, _ bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
			return make([]bgtransform.Undone, len(images)), nil
		},
		"panic": func(_ context.Context, _ bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
			panic(images[0].Before)
		},
		"failed after 5 tries": func(_ context.Context, _ bun.Tx, images []bgtransform.Image) ([]bgtransform.Undone, error) {
			return nil, errors.New(images[0].Before)
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			in := start(t, newDB(t, 40), quick(t), remover{size: 100, undo: undo})
			in.untilState("remove", bgtransform.StateComplete)
			must(t, in.Control().Revert(t.Context(), "remove", ann))
			st := in.untilState("remove", bgtransform.StateFailed)
			if !contains(st.Reason.Text, want) || contains(st.Reason.Text+st.LastError, "track 1") {
				t.Errorf("failed with %q (%s), want one that says %q", st.Reason, st.LastError, want)
			}
		})
	}
	t.Run("a version that cannot revert", func(t *testing.T) {
		t.Parallel()
		db := newDB(t, 40)
		in := start(t, db, quick(t), irrevocable{remover{size: 100}})
		in.untilState("remove", bgtransform.StateComplete)
		must(t, in.Control().Revert(t.Context(), "remove", ann))
		st := in.untilReason("remove", bgtransform.ReasonSchema)
		if !contains(st.Why().Text, "cannot be reverted by this version of the app", "bgtransform.Reverter") {
			t.Errorf("it waits for %q", st.Why())
		}
		in.stop()
		start(t, db, quick(t), remover{size: 100}).untilState("remove", bgtransform.StateReverted)
	})
}
