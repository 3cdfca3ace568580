package telemetry

import (
	"sync"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// holding is a lease that this instance holds, and the attempt that it was taken for,
// which is not known before that begins.
type holding struct {
	since time.Time
	id    bgtransform.RunID // its Transform is empty until then
	run   run
}

// heldLeases are the transforms whose lease this instance holds. It makes the
// up-down counter proof against an event that comes twice, such as lost and then
// released. The zero value is ready to use.
type heldLeases struct {
	mu          sync.Mutex
	byTransform map[string]holding
}

// began notes the attempt that a lease was taken for. A holder that finds nothing to
// do, as one that polls, makes none, and so no span.
func (h *heldLeases) began(id bgtransform.RunID, r run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if held, ok := h.byTransform[id.Transform]; ok {
		held.id, held.run = id, r
		h.byTransform[id.Transform] = held
	}
}

// change applies event. It returns by how much the number of held leases grew, and the
// holding that event has ended, if any.
func (h *heldLeases) change(transform, event string) (grew int64, ended holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, ok := h.byTransform[transform]
	switch event {
	case leaseAcquired:
		if ok {
			return 0, holding{}
		}
		if h.byTransform == nil {
			h.byTransform = make(map[string]holding)
		}
		h.byTransform[transform] = holding{since: time.Now()}
		return 1, holding{}
	case leaseLost, leaseReleased, leaseReleaseFailed:
		if !ok {
			return 0, holding{}
		}
		delete(h.byTransform, transform)
		return -1, held
	}
	return 0, holding{}
}
