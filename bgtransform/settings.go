package bgtransform

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// settings are what holds for one transform on this instance, once flags,
// options and config are merged: flags win over options, options over config.
type settings struct {
	disabled   string // why it is disabled; empty when it is enabled
	window     window.Window
	limits     throttle.Limits
	rowTimeout time.Duration
	dryRun     bool
}

func resolve(cfg Config, def Definition, f flagValues) settings {
	s := settings{
		window:     cfg.Window,
		limits:     merge(def.Options.Limits, cfg.Limits),
		rowTimeout: cmp.Or(def.Options.RowTimeout, cfg.RowTimeout),
		dryRun:     f.dryRun != nil && *f.dryRun,
	}
	if !def.Options.Window.IsZero() {
		s.window = def.Options.Window
	}
	if f.window != nil {
		s.window = *f.window
	}
	s.limits = flagLimits(s.limits, f)
	switch {
	case f.enabled != nil && !*f.enabled:
		s.disabled = fmt.Sprintf("disabled on this instance by the flag %sENABLED or %sENABLED__%s", flagPrefix, flagPrefix, flagSuffix(def.Name))
	case f.enabled == nil && def.Options.Disabled:
		s.disabled = fmt.Sprintf("disabled by the code; the flag %sENABLED__%s=true enables it", flagPrefix, flagSuffix(def.Name))
	}
	return s
}

// merge returns l with its zero fields taken from base.
func merge(l, base throttle.Limits) throttle.Limits {
	return throttle.Limits{
		Duty:          cmp.Or(l.Duty, base.Duty),
		RowsPerSecond: cmp.Or(l.RowsPerSecond, base.RowsPerSecond),
		Target:        cmp.Or(l.Target, base.Target),
		MinBatch:      cmp.Or(l.MinBatch, base.MinBatch),
		StartBatch:    cmp.Or(l.StartBatch, base.StartBatch),
		MaxBatch:      cmp.Or(l.MaxBatch, base.MaxBatch),
	}
}

func flagLimits(l throttle.Limits, f flagValues) throttle.Limits {
	if f.batchSize != nil {
		l.MinBatch = min(l.MinBatch, *f.batchSize)
		l.StartBatch, l.MaxBatch = *f.batchSize, *f.batchSize
	}
	if f.rowsPerSecond != nil {
		l.RowsPerSecond = *f.rowsPerSecond
	}
	if f.duty != nil {
		l.Duty = *f.duty
	}
	if f.batchTarget != nil {
		l.Target = *f.batchTarget
	}
	return l
}
