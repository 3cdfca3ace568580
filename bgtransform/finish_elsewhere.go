package bgtransform

import (
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// handOver ends the attempt when another process asks to finish the transform in the
// foreground. Each is heeded once: whether one is still there, only the database's
// clock can tell, by which the next round goes.
func (a *attempt) handOver(in store.Intent) (ending, bool) {
	if in.Finisher == "" || in.Finisher == a.e.finisher || in.Finisher == a.e.passed {
		return ending{}, false
	}
	a.e.passed = in.Finisher
	p := handedOver(in.Finisher)
	end := ending{state: StateWaiting, reason: p.reason, wait: p.wait}
	if checkTransition(State(a.rec.Transform.State), StateWaiting) != nil {
		end.state = "" // it has not run yet, or is complete
	}
	return end, true
}

// finishedElsewhere keeps this instance away while another process finishes the
// transform in the foreground.
func finishedElsewhere(e *entry, rec store.Record) (pause, bool) {
	e.passed = rec.Intent.Finisher // as of now it is known whether it is there
	if !rec.Finishing(e.finisher) {
		return pause{}, false
	}
	return handedOver(rec.Intent.Finisher), true
}

// handedOver is not [ReasonHeld], with which a round would ask for the lease alone.
func handedOver(finisher string) pause {
	return pause{Reason{
		Code: ReasonFinish, Text: "finished in the foreground by " + finisherName(finisher), Until: time.Now().Add(finishTTL),
	}, backoff.Jitter(time.Second)}
}

// finisherName is the instance of a finisher.
func finisherName(finisher string) string {
	name, _, _ := strings.Cut(finisher, finisherMark)
	return name
}

// finisherMark separates the instance from what makes each finisher unique.
const finisherMark = "/finish-"
