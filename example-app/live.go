package main

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/bgtransform/sidecar/bgtransform"
)

// app is everything that the life of the process needs.
type app struct {
	cfg       config
	con       *console
	log       *slog.Logger
	redis     redisServer
	sched     *bgtransform.Scheduler
	catalogue *catalogue
	ready     *readiness
}

// live runs the app until ctx ends, or with -once until the transform is over.
func (a *app) live(ctx context.Context) (outcome, error) {
	listener, err := listen(ctx, a.cfg.Addr)
	if err != nil {
		return outcome{}, err
	}
	users := newTraffic(listener.Addr().String(), a.catalogue, a.sched)
	last, err := a.serveAndMove(ctx, listener, users)
	if !a.cfg.Once {
		a.con.Printf("stopped; the next start goes on where this one was")
		return outcome{deployed: a.cfg.Deployed, users: users}, err
	}
	return outcome{
		known: true, status: settled(ctx, a.sched, last), tally: truthOf(ctx, a.catalogue.db, a.catalogue.tally), users: users,
	}, err
}

// serveAndMove returns the transform's last status, once everything has ended.
func (a *app) serveAndMove(ctx context.Context, listener net.Listener, users *traffic) (bgtransform.Status, error) {
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end()

	// The app serves at once, and says that it is degraded until it has a database.
	page := a.adminPage()
	defer page.Close()
	api := &api{catalogue: a.catalogue, sched: a.sched, redis: a.redis, ready: a.ready, admin: page, log: a.log}
	wg.Go(func() { serve(ctx, listener, api.routes(), page.Close, a.log) }) // ends with ctx, after the requests under way
	a.con.Printf("serving the catalogue %s at http://%s", a.cfg.Database.name, listener.Addr())
	a.con.Printf("operators watch and steer at http://%s/admin/", listener.Addr())
	if a.cfg.Deployed {
		a.con.Printf("this is %s", a.catalogue.release)
	}
	if a.redis.name != "" {
		a.con.Printf("the lease of transforms is in %s", a.redis.name)
	}
	if err := a.boot(ctx); err != nil {
		return bgtransform.Status{}, err
	}

	// The rows move in the background; nothing that happens to them ends the app.
	wg.Go(func() { _ = a.sched.Run(ctx) }) // ends with ctx, after the batch under way
	a.join(ctx)
	if a.cfg.Traffic {
		users.start(ctx) // ends with ctx, or when the transform is complete
	}
	defer users.stop()
	return follow(ctx, a.cfg.Once, a.sched, a.con, func(st bgtransform.Status) {
		if !a.cfg.Deployed { // else there is another release to come
			users.stop()
		}
		a.summarise(ctx, st, users)
	})
}
