package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Waiting counts a wait and keeps it in mind for the next span of the transform.
func (o *Observer) Waiting(ctx context.Context, info bgtransform.WaitInfo) {
	set := measured(info.Transform, keyReason.String(string(info.Reason.Code)))
	o.instruments.waits.Add(ctx, 1, set)
	o.instruments.waitDuration.Record(ctx, max(info.For, 0).Seconds(), set)
	o.waits.put(info.Transform, info.Reason.Code)
}

// wait is a wait that no span has told of yet.
type wait struct {
	reason bgtransform.ReasonCode
	began  time.Time
}

// waitNotes holds the last wait of each transform until a span takes it. The
// zero value is ready to use.
type waitNotes struct {
	mu          sync.Mutex
	byTransform map[string]wait
}

// put notes a wait. Looking again and waiting on for the same reason is one wait.
func (n *waitNotes) put(transform string, reason bgtransform.ReasonCode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w, ok := n.byTransform[transform]; ok && w.reason == reason {
		return
	}
	if n.byTransform == nil {
		n.byTransform = make(map[string]wait)
	}
	n.byTransform[transform] = wait{reason: reason, began: time.Now()}
}

// take returns the last wait, which ends now; the zero wait if there was none.
func (n *waitNotes) take(transform string) wait {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.byTransform[transform]
	delete(n.byTransform, transform)
	return w
}

// attributes tells of a wait that ends now; nil of none.
func (w wait) attributes() []attribute.KeyValue {
	if w == (wait{}) {
		return nil
	}
	return []attribute.KeyValue{
		keyWaitReason.String(string(w.reason)),
		keyWaitSeconds.Float64(time.Since(w.began).Seconds()),
	}
}
