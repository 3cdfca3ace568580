package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The modes of the engine's batches, as Status.Mode spells them, and what we call the
// one that it leaves empty.
const (
	modeTransform = "transform"
	modeRevert    = "revert"
	modeVerify    = "verify"
)

// The names of the spans of batches: who looks at a list of spans is to see at once
// which of them undo, and which only look.
const (
	spanBatch       = "bgtransform.batch"
	spanVerifyBatch = "bgtransform.verify.batch"
	spanRevertBatch = "bgtransform.revert.batch"
)

func modeOf(mode string) attribute.KeyValue {
	if mode == "" {
		mode = modeTransform
	}
	return keyMode.String(mode)
}

func batchSpanName(mode string) string {
	switch mode {
	case modeRevert:
		return spanRevertBatch
	case modeVerify:
		return spanVerifyBatch
	default:
		return spanBatch
	}
}

// rowCount is how many rows of a batch came to one outcome.
type rowCount struct {
	n   int
	set metric.MeasurementOption
}

// rowCounts returns the outcomes of a batch's rows, each of which is counted, with 0 too.
func (m *measurements) rowCounts(mode string, r *bgtransform.BatchResult) []rowCount {
	switch mode {
	case modeRevert:
		return []rowCount{{r.Changed, m.reverted}, {r.Moved, m.moved}, {r.Quarantined, m.quarantined}}
	case modeVerify:
		return []rowCount{{r.Checked, m.checked}, {r.Mismatched, m.mismatched}, {r.Changed, m.repaired}}
	default:
		return []rowCount{{r.Changed, m.changed}, {r.Moved, m.moved}, {r.Quarantined, m.quarantined}}
	}
}
