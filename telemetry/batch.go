package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

// batch is what the context of a batch carries. The span is kept here since the
// one that the context carries may be another's by the time the batch ends.
type batch struct {
	span  trace.Span // nil: it has none until it turns out to be worth one
	began time.Time
	wait  []attribute.KeyValue // before it
}

type batchKey struct{}

// BatchStart begins the span of a batch, in a trace of its own that is linked to
// the run and to the batch before, and returns the context that carries it. A batch
// that is to have none (see [WithBatchSpans]) has a context that says so.
func (o *Observer) BatchStart(ctx context.Context, info bgtransform.BatchStartInfo) context.Context {
	b := &batch{began: time.Now()}
	wait := o.waits.take(info.Transform)
	b.wait = wait.attributes()
	if o.rate.keeps(runFrom(ctx), wait, b.began) {
		ctx = o.startBatch(ctx, b, info)
	} else {
		ctx = withoutSpan(ctx)
	}
	return context.WithValue(ctx, batchKey{}, b)
}

// startBatch gives a batch a span, from when it began.
func (o *Observer) startBatch(ctx context.Context, b *batch, info bgtransform.BatchStartInfo) context.Context {
	attrs := append(runAttributes(info.RunID), modeOf(info.Mode),
		keyPass.Int64(info.Pass), keyBatch.Int64(info.Batch), keyLimit.Int(info.Limit))
	r := runFrom(ctx)
	ctx, b.span = o.tracer.Start(ctx, batchSpanName(info.Mode), trace.WithNewRoot(), trace.WithTimestamp(b.began),
		trace.WithAttributes(append(attrs, b.wait...)...), trace.WithLinks(linksTo(r.anchor, r.last.get())...))
	r.last.put(b.span.SpanContext())
	return ctx
}

// BatchEnd counts the batch and ends its span. ctx is what BatchStart returned;
// without it the batch is counted, but has neither span nor duration.
func (o *Observer) BatchEnd(ctx context.Context, info bgtransform.BatchEndInfo) {
	outcome := batchOutcome(ctx, &info)
	sets := o.sets.get(info.Transform)
	b, ok := ctx.Value(batchKey{}).(*batch)
	if ok && b.span == nil && telling(outcome, time.Since(b.began), &info) {
		ctx = o.startBatch(ctx, b, info.BatchStartInfo)
	}
	if info.Err == nil {
		o.count(ctx, sets, &info)
		o.progress.put(info.Transform, sets.transform, &info.BatchResult)
	}
	if !ok {
		return
	}
	o.measure(ctx, sets, time.Since(b.began), outcome, &info)
	if b.span != nil {
		endBatch(b.span, outcome, &info)
	}
}

// batchOutcome classifies the end of a batch.
func batchOutcome(ctx context.Context, info *bgtransform.BatchEndInfo) string {
	switch {
	case info.Err == nil && info.DryRun:
		return outcomeDryRun
	case info.Err == nil:
		return outcomeCommitted
	case isInterrupt(ctx, info.Err):
		return outcomeInterrupted
	default:
		return outcomeFailed
	}
}

// count adds a batch that did not fail to the counters.
func (o *Observer) count(ctx context.Context, sets *measurements, r *bgtransform.BatchEndInfo) {
	o.instruments.keys.Add(ctx, int64(r.Keys), sets.transform)
	o.instruments.batchSize.Record(ctx, int64(r.Keys), sets.transform)
	if r.DryRun {
		return
	}
	for _, c := range sets.rowCounts(r.Mode, &r.BatchResult) {
		o.instruments.rows.Add(ctx, int64(c.n), c.set)
	}
}

// measure records the duration of a batch, before its span ends and with its
// context, so that the histogram can keep it as an exemplar.
func (o *Observer) measure(ctx context.Context, sets *measurements, took time.Duration, outcome string, info *bgtransform.BatchEndInfo) {
	set := sets.committed
	switch outcome {
	case outcomeCommitted:
	case outcomeFailed:
		set = measured(info.Transform, keyOutcome.String(outcome), errorType(info.Err))
	default:
		set = measured(info.Transform, keyOutcome.String(outcome))
	}
	o.instruments.batchDuration.Record(ctx, took.Seconds(), set)
}

// endBatch ends the span of a batch with what the batch did.
func endBatch(span trace.Span, outcome string, info *bgtransform.BatchEndInfo) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(keyOutcome.String(outcome))
	if info.Err == nil {
		span.SetAttributes(resultAttributes(info)...)
	}
	if outcome == outcomeFailed {
		setError(span, info.Err)
	}
}

func resultAttributes(r *bgtransform.BatchEndInfo) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		keyKeys.Int(r.Keys),
		keyFound.Int(r.Found),
		keyChanged.Int(r.Changed),
		keyMoved.Int(r.Moved),
		keyQuarantined.Int(r.Quarantined),
		keyReadSeconds.Float64(r.Read.Seconds()),
		keyWriteSeconds.Float64(r.Write.Seconds()),
	}
	if r.Mode == modeVerify {
		attrs = append(attrs, keyChecked.Int(r.Checked), keyMismatched.Int(r.Mismatched))
	}
	if r.Changed > 1 { // by the convention, one is not a batch
		attrs = append(attrs, semconv.DBOperationBatchSize(r.Changed))
	}
	return attrs
}
