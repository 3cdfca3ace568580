package bgtransformtest

import (
	"context"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// granting grants every lease, so that a successor need not wait until the
// lease of a killed process has expired. What keeps the two apart is the
// fence in the database, which is what the tests are to show.
type granting struct{}

var _ lease.Locker = granting{}

func (granting) Acquire(ctx context.Context, _ lease.Claim) error { return ctx.Err() }
func (granting) Renew(ctx context.Context, _ lease.Claim) error   { return ctx.Err() }
func (granting) Release(ctx context.Context, _ lease.Claim) error { return ctx.Err() }
