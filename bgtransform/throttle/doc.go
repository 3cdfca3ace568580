// Package throttle paces batches of background work, so that the application
// keeps the database to itself for the larger part of the time.
//
// A [Pacer] answers two questions before each batch: how long to wait ([Pacer.Wait])
// and how many keys to cover ([Pacer.Size]). It learns from the batches that are
// reported to it ([Pacer.Done]), and knows five limits, see [Limits]:
//
//   - Duty cycle: the share of time that batches may use, the database for them and
//     the user's code, but not while they wait for a connection. After a batch that took
//     d, the next starts d·(1-duty)/duty after its end at the earliest: with a duty
//     cycle of one half, the database rests for as long as it worked. As a database
//     under load takes longer for a batch, it also gets the longer rests.
//   - Rows per second: a ceiling for changed rows. A batch of r rows that started
//     at t lets the next start at t + r/rate at the earliest. Time that passes
//     unused is not saved up, so no burst is greater than one batch, and no batch
//     covers more keys than the rate allows rows in one second.
//   - Target: how long the database should take for one batch. It bounds how long locks are held,
//     and so how long the application can be made to wait by one batch.
//   - Rows in a batch: how many it should change. What the application's requests meet is not
//     the work of an hour but that of one batch: its locks, and its part of the log, which the
//     commit of another has to bring to the disk with its own.
//   - Health: what signals of the database's and the app's health ask for, see
//     [Pacer.SetPressure]: smaller and fewer batches at once, or none, and a careful
//     return once all is well.
//
// # Batch size
//
// The size follows the target. After any batch that was slower than the target it
// shrinks at once, in proportion. It grows, by one half at most, after a full batch if
// that and the three before it were clearly faster; else it stays. So a database
// that does not take equally long for equal batches makes it neither swing nor sit
// near the slowest of them, and a batch that met a checkpoint costs a second or two. Both
// steps aim a little below the target. Sizes stay between a floor and a ceiling,
// except that [Pacer.Shrink], for batches that cannot be had at this size at all, goes
// below the floor, down to single keys.
//
//	took > target                                  size × 0.9 × target / took
//	last four < 75 % of target, batch full         size × min(1.5, 0.9 × target / slowest)
//	else                                           size
//
// The size is in keys and not in rows that change, so that a range with few rows
// to change is not a long scan, and one without any is walked in large steps. How many
// rows change is followed in the same way: a batch that changed more than MaxRows makes
// the next one smaller at once, and above MaxRows keys none grows to where it would change
// that many, by the densest of the last four. How much a batch does can thus rise
// sharply each time that a range without rows to change is followed by one that is full of
// them; the ceiling bounds by how much, and the batch after it is right.
//
// # Health signals
//
// A [Signal] is a fact about the health of the app or its database. A [Monitor]
// looks at several, each at its own pace and contained, and says what they ask for
// together ([Monitor.Pressure]), for [Pacer.SetPressure]. A level rises with the
// first reading that asks for it, and falls once the readings have stayed lower for
// Settle. A reading that is older than Stale is not known; then the signal's policy
// counts, and the reason says so:
//
//	replica lag 3.2 s > 2 s
//	replica lag is not known since 12 s: no answer within 2 s
//
// # What limits
//
// [Pacer.Limited] names what limits the speed at any time: one of the five limits, the
// ceiling of the size, or the database itself.
package throttle
