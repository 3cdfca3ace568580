package lease

import (
	"context"
	"time"
)

// Claim names one holding, a term, of a lease.
type Claim struct {
	// Name is what is leased, such as a transform's name. Any non-empty string.
	Name string

	// Holder is the instance that asks, as shown to operators. It identifies
	// nothing: two terms of one holder exclude each other like any two others.
	Holder string

	// Term is unique for each acquisition. Renew and Release touch the lease only
	// while this very term holds it.
	Term string

	// TTL is how long after this request the lease stays held without a renewal.
	// At least a millisecond; a Locker may round up to its unit, at most to the
	// next millisecond.
	TTL time.Duration
}

// Locker grants leases: the port that Redis, a database or anything with a
// compare-and-set and an expiry can implement.
//
// Every method makes one attempt. It neither waits for the lease nor retries; a
// client that repeats a request by itself does no harm, since all three may be
// repeated. A method should return soon after its context ends; a [Keeper] copes
// with those that do not. With a context that has ended before the call, it
// returns an error and changes nothing.
//
// Only the server's clock decides whether a term has expired. That may be set while a
// lease is held: forward, and the lease is over; back, and it counts as over if it
// has more left than [Claim.Credible], in the eyes of the next who asks for it. What a method tests
// and what it then changes must be one atomic step. Errors come back as the
// client made them: the caller adds the operation and the name.
//
// Implementations are safe for concurrent use. The package leasetest holds the
// conformance suite for them.
type Locker interface {
	// Acquire takes the lease for c.Term if no term holds it, or if c.Term holds
	// it already (then its TTL starts again).
	//
	// It returns nil, or a [*HeldError] if another term holds the lease, also one
	// of the same holder. Any other error means that the outcome is unknown.
	Acquire(ctx context.Context, c Claim) error

	// Renew starts c.TTL again if c.Term holds the lease.
	//
	// It returns nil, or [ErrLost] if c.Term does not hold the lease: expired,
	// released, or taken by another term. An expired term is not revived. Any
	// other error means that the outcome is unknown.
	Renew(ctx context.Context, c Claim) error

	// Release frees the lease if c.Term holds it.
	//
	// It returns nil, or [ErrLost] if c.Term does not hold the lease, so the
	// second of two calls returns ErrLost. It never touches another term. Any
	// other error means that the outcome is unknown.
	Release(ctx context.Context, c Claim) error
}
