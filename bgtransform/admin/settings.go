package admin

import (
	"net/url"

	"github.com/bgtransform/sidecar/bgtransform"
)

// typed is what somebody has typed into a form that was refused; nil: none was.
type typed url.Values

// Field returns what was typed into a field.
func (t typed) Field(name string) string { return url.Values(t).Get(name) }

// tuning is a setting in the form.
type tuning struct {
	bgtransform.Setting

	Was   string // as it is tuned; empty: nobody has changed it
	Value string // what is in its field
	Hint  string
}

// tuningOf returns a setting as it is, or as somebody wanted it.
func tuningOf(s bgtransform.Setting, tuned []bgtransform.Tuned, want typed) tuning {
	t := tuning{Setting: s, Hint: hint(s)}
	for _, is := range tuned {
		if is.Setting == s {
			t.Was = is.Value
		}
	}
	t.Value = t.Was
	if _, there := want[string(s)]; there {
		t.Value = want.Field(string(s))
	}
	return t
}

// hint says what a setting is, and how its values look.
func hint(s bgtransform.Setting) string {
	switch s {
	case bgtransform.SettingPhase:
		return "phase that dual reads are to come to: old, fallback, compare, new"
	case bgtransform.SettingWindow:
		return "when batches may run: 0 22 * * * for 8h in Europe/Berlin, always, never"
	case bgtransform.SettingDuty:
		return "share of time that batches may use: 50%"
	case bgtransform.SettingRowsPerSecond:
		return "ceiling for changed rows a second: 2000, unlimited"
	case bgtransform.SettingBatchTarget:
		return "how long a batch should take: 100ms"
	case bgtransform.SettingBatchMin:
		return "keys in a batch, at least: 10"
	case bgtransform.SettingBatchMax:
		return "keys in a batch, at most: 10000"
	case bgtransform.SettingBatchRows:
		return "rows that a batch should change, at most: 400"
	default:
		return ""
	}
}
