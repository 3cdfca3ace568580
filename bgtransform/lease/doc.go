// Package lease lets one instance of a pool do a piece of work at a time.
//
// A [Locker] is the port: acquire, renew and release, one request each. A
// [Keeper] is the policy, written once for every Locker: it acquires, runs a
// function, renews while the function runs, cancels the function's context when
// the lease is lost, and releases afterwards.
//
//	k := lease.Keeper{Locker: locker, Holder: instance}
//	err := k.Do(ctx, "track-length-ms", func(ctx context.Context) error { … })
//
// # States
//
// One [Keeper.Do] holds the lease for at most one term:
//
//	        Acquire: held, or the outcome is unknown
//	      ┌─────────────────────────────────────────────► Do returns the error
//	      │                                               (unknown: released first)
//	┌─────┴─────┐ Acquire: nil  ┌─────────┐ fn returns  ┌─────────┐
//	│ acquiring ├──────────────►│ trusted ├────────────►│ release ├──► Do returns
//	└───────────┘               └─┬──┬──▲─┘             └────▲────┘    fn's error
//	                              │  └──┘                    │
//	  Renew says lost, or nobody  │  Renew: nil              │ fn returns
//	  could renew until the trust │                          │
//	  deadline                    │   ┌──────┐               │
//	                              └──►│ lost ├───────────────┘
//	                                  └──────┘
//	                       fn's context is cancelled, cause ErrLost
//
// A lease whose loss the Locker itself reported is not released: there is
// nothing left to release.
//
// # Time
//
// With a TTL of t, a renewal is sent every t/3 (less a little jitter), and after
// a failure every t/10. The trust deadline is the moment before the last
// successful request was sent, plus t, less a margin of t/5. The server counts t
// from a later moment, so the holder stops before the server lets somebody else
// in, however slow the answer was.
//
// A timer that no Locker call can delay enforces the deadline: Redis clients are
// known to ignore their context for seconds. A call that does not come back in
// time is left alone; its goroutine ends when the call does, its result is
// ignored, and because renew and release touch exactly one term, it can do no
// harm when it arrives late.
//
// Go's timers run on the monotonic clock, which stands still on Linux while the
// machine is suspended. [Trusted] therefore compares the wall clock as well, and
// whichever clock is further ahead decides. Call it where it matters: in a
// process that was frozen for five minutes, it is right on the first line that
// runs again, before any timer had its turn.
//
// # What is guaranteed
//
//   - While fn runs, Do renews; also after the caller cancelled ctx, because fn
//     may still have a checkpoint to write.
//   - When the lease is lost, or can no longer be trusted, fn's context is
//     cancelled with a cause that is [ErrLost].
//   - After fn has returned, panicked or called runtime.Goexit, no renewal is
//     sent and the lease is released, so that the next instance starts at once.
//   - A Locker that hangs delays neither the detection of a loss nor, beyond one
//     short timeout, the return of Do.
//
// # What is not
//
// A lease saves work; it does not make writing safe. A holder that is frozen
// between [Trusted] and its write still writes after somebody else took over,
// and a server that lost its data grants the lease twice. There is deliberately
// no fencing token here: the engine counts an attempt number up in the
// application's own database after it won the lease, and every batch checks that
// number in its own transaction. Only the database that holds the data can
// refuse the late write.
//
// # When things fail
//
//   - The server cannot be reached: Do keeps fn running until the trust deadline,
//     then the lease counts as lost.
//   - The answer to an acquire is lost: the lease may be ours without our knowing.
//     Do releases it on a context of its own. Should that fail too, or should the
//     acquire arrive after the release, the lease is free after its TTL.
//   - The process is killed: the lease is free after its TTL.
package lease
