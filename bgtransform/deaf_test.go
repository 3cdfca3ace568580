package bgtransform_test

import (
	"context"

	"github.com/bgtransform/sidecar/bgtransform/lease"
)

// deaf is a lease whose server accepts requests and never answers.
type deaf struct{ asked chan<- struct{} }

func (d deaf) Acquire(ctx context.Context, _ lease.Claim) error {
	d.asked <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (d deaf) Renew(ctx context.Context, _ lease.Claim) error {
	<-ctx.Done()
	return ctx.Err()
}

func (d deaf) Release(ctx context.Context, _ lease.Claim) error {
	<-ctx.Done()
	return ctx.Err()
}
