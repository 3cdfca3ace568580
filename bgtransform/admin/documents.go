package admin

import (
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// overview is what GET v1/transforms answers, and the first page shows.
type overview struct {
	Made       time.Time                `json:"made"`
	Error      string                   `json:"error,omitempty"`
	Transforms []summary                `json:"transforms"`
	Pool       []bgtransform.PoolMember `json:"pool"`
}

// summary is one transform among others.
type summary struct {
	Status  bgtransform.Status       `json:"status"`
	Why     bgtransform.Reason       `json:"why,omitzero"`
	Phase   *bgtransform.PhaseStatus `json:"phase,omitempty"`
	Allowed []string                 `json:"allowed"`

	rates []sample
}

// detail is what GET v1/transforms/{name} answers, and the page of one transform shows.
type detail struct {
	Made  time.Time `json:"made"`
	Error string    `json:"error,omitempty"`
	summary

	Rates      []sample                     `json:"rates"`
	Quarantine []bgtransform.QuarantinedRow `json:"quarantine"`
	Mismatches []bgtransform.MismatchedRow  `json:"mismatches"`
	Reads      *bgtransform.Reads           `json:"reads,omitempty"`
	Gate       *gateAnswer                  `json:"gate,omitempty"`
	Actions    []bgtransform.Action         `json:"actions"`

	pool []bgtransform.PoolMember
}

// gateAnswer is whether the old side of a transform may go.
type gateAnswer struct {
	Open    bool           `json:"open"`
	Missing []gate.Missing `json:"missing,omitempty"`
	Error   string         `json:"error,omitempty"` // it cannot be told
}

// steady returns the overview without what changes by itself, though nothing happens:
// when it was made, and when instances last gave a sign.
func (o overview) steady() any {
	o.Made = time.Time{}
	o.Pool = withoutSigns(o.Pool)
	transforms := make([]summary, len(o.Transforms))
	for i, t := range o.Transforms {
		transforms[i] = t.steady()
	}
	o.Transforms = transforms
	return o
}

func (d detail) steady() any {
	d.Made = time.Time{}
	d.summary = d.summary.steady()
	if d.Reads != nil {
		reads := *d.Reads
		reads.Now = time.Time{}
		d.Reads = &reads
	}
	return d
}

func (s summary) steady() summary {
	pool := make([]bgtransform.PoolStage, len(s.Status.Pool))
	for i, p := range s.Status.Pool {
		p.LastSeen = time.Time{}
		pool[i] = p
	}
	s.Status.Pool, s.Status.Updated = pool, time.Time{}
	return s
}

func withoutSigns(pool []bgtransform.PoolMember) []bgtransform.PoolMember {
	out := make([]bgtransform.PoolMember, len(pool))
	for i, m := range pool {
		m.FirstSeen, m.LastSeen, m.Gone = time.Time{}, time.Time{}, time.Time{}
		out[i] = m
	}
	return out
}
