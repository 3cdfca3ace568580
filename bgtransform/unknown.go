package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

// unknown adds to an error what may have been meant by a name that this database does
// not know. It leaves every other error as it is.
func (c *Control) unknown(ctx context.Context, name string, err error) error {
	if !errors.Is(err, ErrUnknownTransform) {
		return err
	}
	if slices.Contains(c.registered(), name) {
		if errors.Is(err, ErrNoTables) {
			return err
		}
		return fmt.Errorf("%w; it is registered here, but no instance has started with it yet", err)
	}
	names := c.registered()
	recs, loadErr := c.store.Load(ctx)
	if loadErr != nil && len(names) == 0 {
		return err // the tables are not there, which it says already
	}
	for _, rec := range recs {
		if !slices.Contains(names, rec.Transform.Name) {
			names = append(names, rec.Transform.Name)
		}
	}
	return fmt.Errorf("%w; %s", err, near.Hint(name, names))
}
