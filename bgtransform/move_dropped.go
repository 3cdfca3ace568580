package bgtransform

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// dropped implements [dropTeller]. A table that is not there yet has lost nothing.
func (m Move[M, V]) dropped(ctx context.Context, db *bun.DB) (string, error) {
	t, err := tableOf(db, reflect.TypeFor[M]())
	if err != nil {
		return "", err
	}
	cols, err := t.d.Columns(ctx, db, t.named())
	if err != nil {
		return "", fmt.Errorf("look for the columns of table %q: %w", t.Name, err)
	}
	for _, name := range m.Column.Move().OldColumns {
		if len(cols) > 0 && !slices.ContainsFunc(cols, func(c dialect.Column) bool { return strings.EqualFold(c.Name, name) }) {
			return name, nil
		}
	}
	return "", nil
}
