package main

import (
	"context"

	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// adminPage is where operators watch and steer the move in a browser. It is for this
// machine only: an app whose operators are elsewhere says who they are (admin.Authorize).
func (a *app) adminPage() *admin.Handler {
	return admin.New(a.sched, admin.Title("music catalogue"), admin.Logger(a.log),
		admin.Gate(func(ctx context.Context, _ string) error {
			return mayContract(ctx, a.catalogue.db, a.cfg.Quiet)
		}))
}
