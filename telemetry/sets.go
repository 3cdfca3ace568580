package telemetry

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// measurements are the attribute sets that a transform's batches are measured
// with. They are built once, because sorting a set costs more than counting.
type measurements struct {
	transform   metric.MeasurementOption
	changed     metric.MeasurementOption
	moved       metric.MeasurementOption
	quarantined metric.MeasurementOption
	reverted    metric.MeasurementOption
	checked     metric.MeasurementOption
	mismatched  metric.MeasurementOption
	repaired    metric.MeasurementOption
	committed   metric.MeasurementOption
}

func newMeasurements(transform string) *measurements {
	outcome := func(value string) metric.MeasurementOption {
		return measured(transform, keyOutcome.String(value))
	}
	return &measurements{
		transform:   measured(transform),
		changed:     outcome(outcomeChanged),
		moved:       outcome(outcomeMoved),
		quarantined: outcome(outcomeQuarantined),
		reverted:    outcome(outcomeReverted),
		checked:     outcome(outcomeChecked),
		mismatched:  outcome(outcomeMismatched),
		repaired:    outcome(outcomeRepaired),
		committed:   outcome(outcomeCommitted),
	}
}

// measured returns the set of a transform and more attributes.
func measured(transform string, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, keyTransform.String(transform))...))
}

// setCache keeps the measurements of each transform. It is bounded by the number
// of registered transforms. The zero value is ready to use.
type setCache struct {
	byTransform sync.Map // string → *measurements
}

func (c *setCache) get(transform string) *measurements {
	if m, ok := c.byTransform.Load(transform); ok {
		return m.(*measurements)
	}
	m, _ := c.byTransform.LoadOrStore(transform, newMeasurements(transform))
	return m.(*measurements)
}
