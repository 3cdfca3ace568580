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
//	   ▲  ▲  ▲  ▲
//	   │  │  │  └── bgtransform.attempt      once for each taking of the lease
//	   │  │  └───── bgtransform.batch        a batch, around all that it does
//	   │  └──────── bgtransform.attempt.end  how the attempt left the transform
//	   └─────────── bgtransform.lease        the lease, from its taking to its end
//
// Each of them is the root of a trace of its own, and the arrows are span links.
// A batch is also linked to the last batch of its attempt that was sampled;
// attempt.end and lease to their attempt. Batches of a verification are named
// bgtransform.verify.batch, those of a revert bgtransform.revert.batch. The run, the
// attempt and its end are instants. The lease is made when it has ended, back to when it
// was taken; one under which no attempt began has no span.
//
// The context of a batch carries its span, if it has one from its start (see Sampling), so
// that the application's spans and logs, and those of its database hooks, are found below
// it; the logs of others are in the trace of the attempt. Hooks of bun see the
// application's own queries, our transactions and what goes through bun within them;
// the statements on the application's table go past bun, and hooks of the driver (such
// as otelsql) see all of them. A run that began
// before telemetry was switched on has no run span: its spans are linked to the
// attempt that they belong to.
//
// A wait is no span. The span that follows it at once says how long this instance had
// waited with the transform, and why. There are no span events. What failed has the
// status Error and an error.type: the database's error code, a word of ours (fenced,
// overran, lease_lost, timeout, canceled) or the type of the error. An interrupted
// batch (shutdown, window, lease) has not failed: its outcome is interrupted and its
// status is unset. A lease that was lost, or could not be released, has failed.
//
// These are the attributes of spans, of type string unless another is given, and all
// but error.type and db.operation.batch.size begin with bgtransform:
//
//	attribute                type    on                      meaning
//	.transform               string  all                     the name
//	.run                     int     all                     counts from 1; a restart or revert begins the next
//	.attempt                 int     all                     the fence: rises with every taking of the lease
//	.mode                    string  run, attempt, batch     transform, verify or revert
//	.instance                string  attempt                 who took the lease
//	.state                   string  attempt.end             the state that the transform was left in
//	.reason                  string  attempt.end             why; may be empty
//	.event                   string  lease                   how it ended: released, lost or release_failed
//	.pass                    int     batch                   counts from 1 within the run
//	.batch                   int     batch                   counts from 1 within the run
//	.limit                   int     batch                   keys that it might cover at most
//	.outcome                 string  batch                   committed, dry_run, interrupted or failed
//	.keys                    int     batch                   keys that it covered
//	.found                   int     batch                   rows that were pending
//	.changed                 int     batch                   rows written; in a verification, repaired
//	.moved                   int     batch                   rows left alone because the app had changed them
//	.quarantined             int     batch                   rows set aside
//	.checked                 int     batch                   rows compared, in a verification
//	.mismatched              int     batch                   rows listed, in a verification
//	.read_seconds            double  batch                   reading the range and running user code
//	.write_seconds           double  batch                   the transaction
//	.wait.reason             string  attempt, batch          what was waited for before it, if anything
//	.wait.seconds            double  attempt, batch          for how long
//	db.operation.batch.size  int     batch                   rows written, if two or more
//	error.type               string  batch, attempt.end, lease  the class of what failed
//
// The counts are there once a batch has committed, or was a dry run.
//
// # Metrics
//
// All of them have the attribute bgtransform.transform, but for those of the
// dual reads, which have bgtransform.move. None has the run: the number of series
// is bounded by the number of transforms.
//
//	name                             kind       unit         more attributes       meaning
//	bgtransform.rows                 counter    {row}        .outcome              rows by what became of them; not in dry runs
//	bgtransform.keys                 counter    {key}        -                     keys walked, pending or not
//	bgtransform.batch.duration       histogram  s            .outcome error.type   batches: committed, dry_run, interrupted, failed
//	bgtransform.batch.size           histogram  {key}        -                     keys in a batch that did not fail
//	bgtransform.attempts             counter    {attempt}    -                     attempts begun
//	bgtransform.attempt.ends         counter    {attempt}    .reason .state        attempts ended, by what they left
//	bgtransform.lease.events         counter    {event}      .event error.type     changes of the lease
//	bgtransform.lease.held           updown     {lease}      -                     1 while this instance holds the lease
//	bgtransform.waits                counter    {wait}       .reason               waits begun
//	bgtransform.wait.duration        histogram  s            .reason               how long a wait is to last before the next look
//	bgtransform.remaining            gauge      {row}        -                     rows still to walk in this pass, an estimate
//	bgtransform.rate                 gauge      {row}/s      -                     rows walked a second, pending or not, of late, waits included
//	bgtransform.state                gauge      {transform}  .state                1 for the state that it is in, 0 for those it was in
//	bgtransform.reason               gauge      {transform}  .reason               1 for why it does not advance, or what limits it
//	bgtransform.progress             gauge      1            -                     share of the run that is done, 0 to 1
//	bgtransform.finish.time          gauge      s            -                     when it will be complete, as Unix time, an estimate
//	bgtransform.quarantine           gauge      {row}        -                     rows in quarantine that block completion
//	bgtransform.stuck                gauge      {transform}  -                     1 if it has not come forward for long, and should have
//	bgtransform.verified             gauge      {transform}  -                     1 if verified, with nothing wrong, since it became complete
//	bgtransform.pool                 gauge      {instance}   .stage                live instances by their stage of the move
//	bgtransform.dualread.fallbacks   counter    {read}       .move                 reads that the old column had to answer
//	bgtransform.dualread.missing     counter    {read}       .move                 reads that nothing could answer: go back a phase
//	bgtransform.dualread.compared    counter    {read}       .move                 reads of which both columns were compared
//	bgtransform.dualread.mismatches  counter    {read}       .move                 of those, the ones that did not go together
//
// The outcomes of rows are changed, moved and quarantined; reverted, moved and
// quarantined in a revert; checked, mismatched and repaired in a verification. Rows that
// the database refuses are found by batches that fail, and are in bgtransform.quarantine
// alone. The reason has no series of 1 where nothing limits the transform, or it is
// complete. The finish time is there from the fifth batch of a run on, while what the
// transform waits for is of a known length, such as a window: not while it is paused, has
// failed or is blocked by its quarantine, nor once it is complete.
//
// Remaining and rate are reported by the instance that runs the transform, and while
// it does. State to pool are reported for what is given to [Observer.ObserveStatus], by
// each instance alike and also while nothing advances; the dual reads for what is given
// to [Observer.ObserveMoves]. The histogram of batch durations carries exemplars, which
// lead from a slow batch to its trace.
//
// A dashboard and alert rules that go by these metrics are in the directories grafana
// and prometheus beside this package.
//
// # Logs
//
// What the engine and the code of a transform log with the batch's context is
// correlated: [LogHandler] adds trace_id and span_id to any slog handler, and setup can
// send logs through OpenTelemetry, where they carry the trace.
//
// # Sampling
//
// A fast database does some hundred batches a second, of which one is like the other. So
// ten of them a second have a span, and besides each that tells more: that failed, was
// interrupted or rolled back as a dry run, took a second or longer, sent rows to
// quarantine, found mismatches, or followed a long wait. [WithBatchSpans] sets another
// number. Of a batch that gets its span when it has ended, the spans beneath are not kept.
//
// Each batch is a trace of its own, so a sampler decides on it alone and nothing is
// torn apart. If ten are too many, best let a Collector decide when it has seen them (its
// tail_sampling processor): keep what has the status Error, what took longer than a second,
// and every span that is not a batch, and a few percent of the rest. A ratio at the source
// (OTEL_TRACES_SAMPLER=parentbased_traceidratio) leaves out runs and failures as well, and what is
// linked to a span that was left out then leads nowhere: search by bgtransform.run. The
// metrics count all batches, sampled or not.
//
// # Cost
//
// A batch pays about 5 µs when its span is sampled, 2 µs when it is not, and 1 µs when it
// has none: a span of some 20 attributes and seven measurements (BenchmarkBatch).
// Whole runs on SQLite, in batches of 1.4 ms, took 1.02 times as long as without
// (BenchmarkRun).
//
// # Privacy
//
// Keys and values of rows appear nowhere. The text of an error is exported as the
// status of its span, as far as the engine hands it over, which it does for
// errors that hold no values; metrics get its class alone. The texts of
// reasons, which may name an operator, are not exported.
package telemetry
