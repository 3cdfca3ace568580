package bgtransform

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
	"github.com/bgtransform/sidecar/bgtransform/store"
)

// QuarantinedRow is a row that could not be transformed. Its key and message
// may tell what the row holds: show them to operators only.
type QuarantinedRow struct {
	Key      string    `json:"key"` // the primary key's values: 42, or 7, DE for a key of two columns
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
			Key: keyText(q.Key), Accepted: q.Standing == store.Accepted, Class: q.Class, Message: q.Message,
			Tries: q.Tries, First: at(q.FirstMS), Last: at(q.LastMS), By: q.ByWhom,
		}
	}
	return out, nil
}

// keyText returns a stored key as people write it. The key of a custom kind,
// which is no list of ours, is shown as it is.
func keyText(stored string) string {
	key, err := keyset.Decode(stored)
	if err != nil {
		return stored
	}
	parts := make([]string, len(key))
	for i, v := range key {
		if blob, ok := v.([]byte); ok {
			v = fmt.Sprintf("x'%x'", blob)
		}
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, ", ")
}

// Action is one line of the operators' log.
type Action struct {
	Action string    `json:"action"`
	By     string    `json:"by"`
	Why    string    `json:"why,omitempty"`
	What   string    `json:"what,omitempty"` // of "tune" and "untune": each setting, with its old value
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
		out[i] = Action{Action: a.Action, By: a.ByWhom, Why: a.Why, What: a.What, At: at(a.AtMS)}
	}
	return out, nil
}
