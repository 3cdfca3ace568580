package main

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/fleet"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// joinPool returns where an instance of the release announces itself. Nil, the
// engine's own choice, is the table in the app's database once a transform needs it.
// Release 1 has no transform, so it says so itself: else the ones after it would not
// know that it is there.
func (r release) joinPool(db *bun.DB) (fleet.Registry, error) {
	if r.number != 1 {
		return nil, nil
	}
	return store.NewFleet(db)
}

// poolRules are the times that the pool goes by, short, for a demonstration. A single app
// need not wait for others that may not know the library. In production the defaults
// are right, if a deploy takes less than five minutes.
func poolRules(deployed bool) fleet.Rules {
	r := fleet.Rules{
		Every:  250 * time.Millisecond,
		MinAge: time.Millisecond,
		Settle: time.Second,
		Trust:  5 * time.Second,
		TTL:    3 * time.Second,
	}
	if deployed {
		r.MinAge = 2 * time.Second
	}
	return r
}
