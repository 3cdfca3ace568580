package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/bgtransform/sidecar/bgtransform"
)

// runNow opens the window of a transform for some time from now on. That it cannot be
// opened for that long is a matter of the value.
func runNow(ctx context.Context, c *bgtransform.Control, o order) error {
	_, err := c.RunNow(ctx, o.name, o.by, o.length)
	if errors.Is(err, bgtransform.ErrNotAllowed) {
		return problem{http.StatusUnprocessableEntity, plain(err)}
	}
	return err
}
