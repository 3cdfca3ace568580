package bgtransform

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/image"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// camera takes the images of rows: what the columns that a transform writes
// hold, to the byte.
type camera struct {
	*table
	fields []*schema.Field
	names  []string
	cols   []dialect.Column
	every  bool // rows that hold what they held need an image too
}

// shot is the image of one row.
type shot struct {
	key  keyset.Key
	text string // the key's
	held string // what the columns hold
}

// cameraOf returns the camera for some columns of a table that is inspected.
func cameraOf(t *table, fields []*schema.Field) *camera {
	return &camera{table: t, fields: fields, names: namesOf(fields), cols: t.columns(fields)}
}

// encode makes text of the columns' values, as [dialect.Dialect].Load returns them.
func (c *camera) encode(values []any) (string, error) { return image.Encode(c.names, values) }

// shoot returns the images of the rows that match a condition, in the order of
// their keys. tail ends the statement: the dialect's LockRows, or nothing.
func (c *camera) shoot(ctx context.Context, q dialect.Querier, cond string, args []any, tail string) ([]shot, error) {
	cols := append(append([]dialect.Column{}, c.walk.Keys...), c.cols...)
	exprs := make([]string, len(cols))
	values := make([]any, len(cols))
	dest := make([]any, len(cols))
	for i, col := range cols {
		exprs[i], dest[i] = c.d.Raw(col), &values[i]
	}
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+c.from+" WHERE "+cond+" ORDER BY "+c.walk.Order()+tail, args...)
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	defer rows.Close()
	var shots []shot
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read images: %w", err)
		}
		for i, col := range cols {
			values[i] = c.d.Load(col, values[i])
		}
		one := shot{key: append(keyset.Key{}, values[:len(c.walk.Keys)]...)}
		if one.text, err = one.key.Encode(); err != nil {
			return nil, err
		}
		if one.held, err = c.encode(values[len(c.walk.Keys):]); err != nil {
			return nil, err
		}
		shots = append(shots, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	return shots, nil
}

// after completes the images of the rows of a range that a batch has written.
// before holds, by key, what they held. Rows whose bytes are as they were need
// no image, unless every row does.
func (c *camera) after(ctx context.Context, q dialect.Querier, r keyset.Range, before map[string]string) ([]Image, error) {
	if len(before) == 0 {
		return nil, nil
	}
	cond, args := c.walk.Within(r)
	shots, err := c.shoot(ctx, q, cond, args, "")
	if err != nil {
		return nil, err
	}
	images := make([]Image, 0, len(before))
	for _, s := range shots {
		if was, ours := before[s.text]; ours && (c.every || was != s.held) {
			images = append(images, Image{Key: s.text, Before: was, After: s.held})
		}
	}
	return images, nil
}
