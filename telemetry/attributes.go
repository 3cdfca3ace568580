package telemetry

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The attributes of our own. What has a semantic convention uses that.
const (
	keyTransform    = attribute.Key("bgtransform.transform")
	keyRun          = attribute.Key("bgtransform.run")
	keyAttempt      = attribute.Key("bgtransform.attempt")
	keyInstance     = attribute.Key("bgtransform.instance")
	keyState        = attribute.Key("bgtransform.state")
	keyReason       = attribute.Key("bgtransform.reason")
	keyOutcome      = attribute.Key("bgtransform.outcome")
	keyMode         = attribute.Key("bgtransform.mode")
	keyPass         = attribute.Key("bgtransform.pass")
	keyBatch        = attribute.Key("bgtransform.batch")
	keyLimit        = attribute.Key("bgtransform.limit")
	keyKeys         = attribute.Key("bgtransform.keys")
	keyFound        = attribute.Key("bgtransform.found")
	keyChanged      = attribute.Key("bgtransform.changed")
	keyMoved        = attribute.Key("bgtransform.moved")
	keyQuarantined  = attribute.Key("bgtransform.quarantined")
	keyChecked      = attribute.Key("bgtransform.checked")
	keyMismatched   = attribute.Key("bgtransform.mismatched")
	keyReadSeconds  = attribute.Key("bgtransform.read_seconds")
	keyWriteSeconds = attribute.Key("bgtransform.write_seconds")
	keyWaitReason   = attribute.Key("bgtransform.wait.reason")
	keyWaitSeconds  = attribute.Key("bgtransform.wait.seconds")
	keyEvent        = attribute.Key("bgtransform.event")
	keyMove         = attribute.Key("bgtransform.move")
	keyStage        = attribute.Key("bgtransform.stage")
)

// The outcomes of rows.
const (
	outcomeChanged     = "changed"
	outcomeMoved       = "moved"
	outcomeQuarantined = "quarantined"
	outcomeReverted    = "reverted"
	outcomeChecked     = "checked"
	outcomeMismatched  = "mismatched"
	outcomeRepaired    = "repaired"
)

// The outcomes of batches.
const (
	outcomeCommitted   = "committed"
	outcomeDryRun      = "dry_run"
	outcomeInterrupted = "interrupted"
	outcomeFailed      = "failed"
)

// runAttributes identify the attempt on every span. The result has room for
// the attributes that a span adds.
func runAttributes(id bgtransform.RunID) []attribute.KeyValue {
	return append(make([]attribute.KeyValue, 0, 10),
		keyTransform.String(id.Transform),
		keyRun.Int64(id.Run),
		keyAttempt.Int64(id.Attempt))
}
