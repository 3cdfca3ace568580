package bgtransform

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/image"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

var (
	_ Reverter = Rows[struct{}]{}
	_ Reverter = SQL[struct{}]{}
)

// OpenRevert implements [Reverter].
func (r Rows[M]) OpenRevert(ctx context.Context, db *bun.DB) (Undoer, error) {
	u, err := undoerOf(ctx, db, reflect.TypeFor[M]())
	if err != nil {
		return nil, err
	}
	u.name, u.processed = r.Name, r.Processed
	return u, nil
}

// OpenRevert implements [Reverter].
func (s SQL[M]) OpenRevert(ctx context.Context, db *bun.DB) (Undoer, error) {
	return undoerOf(ctx, db, reflect.TypeFor[M]())
}

// undoer writes the images of [Rows] and [SQL] back. It goes by what they hold,
// not by what the transform writes today.
type undoer struct {
	*table
	seen map[string]bool // sets of columns that were inspected

	// Rows that are as they were are no longer in the transform's set.
	name      string
	processed Processed
}

func undoerOf(ctx context.Context, db *bun.DB, model reflect.Type) (*undoer, error) {
	t, err := tableOf(db, model)
	if err != nil {
		return nil, err
	}
	if err := t.inspect(ctx, db, nil); err != nil {
		return nil, err
	}
	return &undoer{table: t, seen: map[string]bool{}}, nil
}

// ours tells our own kinds from others, whose errors may quote rows.
func (u *undoer) ours() {}

// Undo implements [Undoer]. The guards are the after-images: a row is written
// only while it holds these bytes.
func (u *undoer) Undo(ctx context.Context, tx bun.Tx, images []Image) ([]Undone, error) {
	groups, order, err := u.group(images)
	if err != nil {
		return nil, err
	}
	out := make([]Undone, len(images))
	var back []string // the keys of rows that are as they were
	for _, columns := range order {
		g := groups[columns]
		if err := u.write(ctx, tx, g); err != nil {
			return nil, err
		}
		there, err := u.there(ctx, tx, g)
		if err != nil {
			return nil, err
		}
		for i, row := range g.rows {
			switch place := g.places[i]; {
			case row.Changed:
				out[place] = UndoneReverted
				back = append(back, images[place].Key)
			case there[images[place].Key]:
				out[place] = UndoneChanged
			default:
				out[place] = UndoneGone
			}
		}
	}
	return out, u.processed.unmark(ctx, tx, u.name, back)
}

// undoGroup is the images of one batch that are of the same columns: of one
// version of the transform.
type undoGroup struct {
	columns []string
	rows    []dialect.Row
	places  []int // in the images
}

func (u *undoer) group(images []Image) (map[string]*undoGroup, []string, error) {
	groups := map[string]*undoGroup{}
	var order []string
	for i, im := range images {
		key, err := u.key(im.Key)
		if err != nil {
			return nil, nil, err
		}
		columns, before, err := image.Decode(im.Before)
		if err != nil {
			return nil, nil, fmt.Errorf("journal: before: %w", err)
		}
		others, after, err := image.Decode(im.After)
		if err != nil {
			return nil, nil, fmt.Errorf("journal: after: %w", err)
		}
		if key == nil || len(columns) == 0 || !slices.Equal(columns, others) {
			return nil, nil, &safeError{class: classJournal, text: "an entry of the journal is not of this kind of transform"}
		}
		id := strings.Join(columns, "\x00")
		g, known := groups[id]
		if !known {
			g = &undoGroup{columns: columns}
			groups[id] = g
			order = append(order, id)
		}
		g.rows = append(g.rows, dialect.Row{Key: key, Set: before, Guard: after})
		g.places = append(g.places, i)
	}
	return groups, order, nil
}

func (u *undoer) write(ctx context.Context, tx bun.Tx, g *undoGroup) error {
	if err := u.look(ctx, tx, g.columns); err != nil {
		return err
	}
	fields, err := u.written(g.columns)
	if err != nil {
		return err
	}
	cols := u.columns(fields)
	_, err = u.d.Write(ctx, tx, dialect.Update{Table: u.from, Keys: u.walk.Keys, Sets: cols, Guards: cols, Rows: g.rows, Raw: true})
	return err
}

// look inspects the table for columns that were not seen yet.
func (u *undoer) look(ctx context.Context, tx bun.Tx, columns []string) error {
	id := strings.Join(columns, "\x00")
	if u.seen[id] {
		return nil
	}
	if _, err := u.written(columns); err != nil {
		return &schemaError{fmt.Sprintf("cannot revert: the journal and model %s differ: %v", u.TypeName, err)}
	}
	known := u.cols
	if err := u.inspect(ctx, tx, columns); err != nil {
		return err
	}
	maps.Copy(u.cols, known)
	u.seen[id] = true
	return nil
}

// there returns which of the rows that were not written exist.
func (u *undoer) there(ctx context.Context, tx bun.Tx, g *undoGroup) (map[string]bool, error) {
	var keys []keyset.Key
	for _, row := range g.rows {
		if !row.Changed {
			keys = append(keys, row.Key)
		}
	}
	there := map[string]bool{}
	for chunk := range slices.Chunk(keys, 200) {
		cond, args := u.walk.AnyOf(chunk)
		found, err := u.keysWhere(ctx, u.d.Bound(tx), cond, args...)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			there[key] = true
		}
	}
	return there, nil
}
