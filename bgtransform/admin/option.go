package admin

import (
	"context"
	"log/slog"
	"net/http"
)

// User is somebody who may use the page.
type User struct {
	Name     string // who the log of actions says it was; at most 200 bytes are kept
	ReadOnly bool   // may look, and change nothing
}

// Option changes a handler.
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

type config struct {
	authorize func(r *http.Request) (User, error)
	gate      func(ctx context.Context, transform string) error
	log       *slog.Logger
	title     string
	readOnly  bool
}

// Authorize has the app decide who may use the page, by its session, a header of its
// identity-aware proxy, a client certificate. The function is called for every request,
// concurrently. An error refuses the request: it is logged, and not shown. So does a user
// without a name. An authorizer that asks for nothing that only the user's browser has,
// but for where the request comes from, must look at the Host too.
//
// Without it the page is for this machine only.
func Authorize(who func(r *http.Request) (User, error)) Option {
	return option(func(c *config) { c.authorize = who })
}

// Gate has the page say whether the old side of a transform may go, and what is
// missing: ask returns what gate.Require does for the transform. It is called for a
// transform that somebody looks at, at most every 15 seconds and after an action, and
// may take five: then its context ends, which it must heed.
//
//	admin.Gate(func(ctx context.Context, name string) error {
//		return gate.Require(ctx, db, name, gate.Transforms(lengthMS))
//	})
func Gate(ask func(ctx context.Context, transform string) error) Option {
	return option(func(c *config) { c.gate = ask })
}

// Logger says where actions, refusals and failures are logged; nil, the default, means
// nowhere. Keys and values of rows are not.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) {
		if l != nil {
			c.log = l
		}
	})
}

// Title says what is in the page's heading: the app, and which of its deployments.
func Title(text string) Option { return option(func(c *config) { c.title = text }) }

// ReadOnly lets nobody change anything.
func ReadOnly() Option { return option(func(c *config) { c.readOnly = true }) }
