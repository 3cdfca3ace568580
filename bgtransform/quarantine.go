package bgtransform

import (
	"context"
	"fmt"
	"time"
)

// QuarantinedRow is a row that could not be transformed. Its key and message
// may tell what the row holds: show them to operators only.
type QuarantinedRow struct {
	Key      string    `json:"key"` // the primary key's values, as JSON: ["i42"] is the integer 42
	Accepted bool      `json:"accepted"`
	Class    string    `json:"class"`
	Message  string    `json:"message"`
	Tries    int64     `json:"tries"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	By       string    `json:"by,omitempty"` // who accepted it
}

// Quarantined returns at most limit rows in quarantine, the newest first.
func (c *Control) Quarantined(ctx context.Context, name string, limit int) ([]QuarantinedRow, error) {
	rows, err := c.store.Quarantined(ctx, name, limit)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	out := make([]QuarantinedRow, len(rows))
	for i, q := range rows {
		out[i] = QuarantinedRow{
			Key: q.Key, Accepted: q.Standing == "accepted", Class: q.Class, Message: q.Message,
			Tries: q.Tries, First: at(q.FirstMS), Last: at(q.LastMS), By: q.ByWhom,
		}
	}
	return out, nil
}

// Action is one line of the operators' log.
type Action struct {
	Action string    `json:"action"`
	By     string    `json:"by"`
	Why    string    `json:"why,omitempty"`
	At     time.Time `json:"at"`
}

// Actions returns the newest actions of operators on a transform, at most limit.
func (c *Control) Actions(ctx context.Context, name string, limit int) ([]Action, error) {
	rows, err := c.store.Actions(ctx, name, limit)
	if err != nil {
		return nil, fmt.Errorf("bgtransform: %w", err)
	}
	out := make([]Action, len(rows))
	for i, a := range rows {
		out[i] = Action{a.Action, a.ByWhom, a.Why, at(a.AtMS)}
	}
	return out, nil
}
