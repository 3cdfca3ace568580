// Package telemetry reports what bgtransform does to OpenTelemetry, as spans,
// metrics and log attributes. It is one value:
//
//	sched, err := bgtransform.New(db, bgtransform.Config{Observer: telemetry.New()})
//
// It depends on the OpenTelemetry API alone and uses the providers that the
// application has set, or is given. An application that has none may take them
// from the package setup; without any, a batch pays about a microsecond.
//
// # Spans
//
// A run lasts from minutes to weeks and passes from instance to instance. A span
// is exported when it ends and is lost with the process that holds it, and
// backends choke on traces that grow for days. So no span is held open for
// longer than a batch, and nothing grows:
//
//	bgtransform.run          once a run; its traceparent is stored with the run
//	   ▲  ▲  ▲
//	   │  │  └── bgtransform.attempt      once for each taking of the lease
//	   │  └───── bgtransform.batch        each batch, around all that it does
//	   └──────── bgtransform.attempt.end  how the attempt left the transform
//
// Each of them is the root of a trace of its own, and the arrows are span links.
// All but the batch are instants. The attempt.end is also linked to its attempt.
// The context of a batch carries its span, so that the database spans and the
// application's spans and logs of that batch are found below it. A run that began
// before telemetry was switched on has no run span: its spans are linked to the
// attempt that they belong to.
//
// A wait is no span. The span that follows it says how long this instance had
// waited with the transform, and why, in the attributes bgtransform.wait.reason
// and bgtransform.wait.seconds.
//
// The attributes of spans are bgtransform.transform, .run and .attempt on all;
// .instance on an attempt; .state and .reason on its end; and on a batch .pass,
// .batch, .limit, .keys, .found, .changed, .moved, .quarantined, .read_seconds,
// .write_seconds, .outcome and, when at least two rows were written,
// db.operation.batch.size. What failed has the status Error and an error.type.
// An interrupted batch (shutdown, window, lease) has not failed: its outcome is
// interrupted and its status is unset.
//
// A sampler decides on each batch alone. Where spans of small batches are too
// many, sample them: the metrics still count all.
//
// # Metrics
//
// All of them have the attribute bgtransform.transform, but for those of the
// dual reads, which have bgtransform.move. None has the run: the number of series
// is bounded by the number of transforms.
//
//	name                           kind       unit   more attributes            meaning
//	bgtransform.rows               counter    {row}  .outcome                   rows by what became of them: changed, moved, quarantined; not in dry runs
//	bgtransform.keys               counter    {key}                             keys walked, pending or not
//	bgtransform.batch.duration     histogram  s      .outcome, error.type       batches: committed, dry_run, interrupted, failed
//	bgtransform.batch.size         histogram  {key}                             keys in a batch that did not fail
//	bgtransform.attempts           counter    {attempt}                         attempts begun
//	bgtransform.attempt.ends       counter    {attempt}  .state, .reason        attempts ended, by what they left
//	bgtransform.lease.events       counter    {event}  .event, error.type       changes of the lease
//	bgtransform.lease.held         up-down    {lease}                           1 while this instance holds the lease
//	bgtransform.waits              counter    {wait}  .reason                   waits begun
//	bgtransform.wait.duration      histogram  s      .reason                    how long a wait is to last before the next look
//	bgtransform.remaining          gauge      {row}                             rows still to walk in this pass, an estimate
//	bgtransform.rate               gauge      {row}/s                           rows a second over the recent past, waits included
//	bgtransform.dualread.fallbacks counter    {read}  .move                     reads that the old column had to answer
//	bgtransform.dualread.missing   counter    {read}  .move                     reads that nothing could answer: go back a phase
//	bgtransform.dualread.compared  counter    {read}  .move                     reads of which both columns were compared
//	bgtransform.dualread.mismatches counter   {read}  .move                     of those, the ones that did not go together
//
// The gauges are reported by the instance that runs the transform, and while it
// does. The dual reads are reported for what is given to
// [Observer.ObserveMoves]. The histogram of durations carries exemplars, which
// lead from a slow batch to its trace.
//
// # Privacy
//
// Keys and values of rows appear nowhere. The text of an error is exported as the
// status of its span, as far as the engine hands it over, which it does for
// errors that hold no values; metrics get its class alone. The texts of
// reasons, which may name an operator, are not exported.
package telemetry
