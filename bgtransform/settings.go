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
// They stay as they are while it runs.
type settings struct {
	disabled   string // why it is disabled; empty when it is enabled
	rowTimeout time.Duration
	now        bool // it is finished in the foreground: without window, rest, rate and bound of rows

	dryRun      bool // nothing is written
	dryExamples int  // rows that a dry run shows

	coded pace       // as options and config say
	flags flagValues // that win over coded
}

// pace is what operators may change while a transform runs.
type pace struct {
	window window.Window
	limits throttle.Limits
}

func resolve(cfg Config, def Definition, f flagValues) settings {
	s := settings{
		rowTimeout: cmp.Or(def.Options.RowTimeout, cfg.RowTimeout),
		dryRun:     f.dryRun != nil && *f.dryRun,
		coded:      pace{cfg.Window, merge(def.Options.Limits, cfg.Limits)},
		flags:      f,
	}
	if f.dryExamples != nil {
		s.dryExamples = *f.dryExamples
	}
	if !def.Options.Window.IsZero() {
		s.coded.window = def.Options.Window
	}
	switch {
	case f.enabled != nil && !*f.enabled:
		s.disabled = fmt.Sprintf("disabled on this instance by the flag %sENABLED or %sENABLED__%s", flagPrefix, flagPrefix, flagSuffix(def.Name))
	case f.enabled == nil && def.Options.Disabled:
		s.disabled = fmt.Sprintf("disabled by the code; the flag %sENABLED__%s=true enables it", flagPrefix, flagSuffix(def.Name))
	}
	return s
}

// pace returns what holds once operators have changed some of it: they win over flags,
// and who waits in the foreground over both.
func (s settings) pace(operators flagValues) pace {
	v, p := operators.over(s.flags.giveWayTo(operators)), s.coded
	if v.window != nil {
		p.window = *v.window
	}
	p.limits = flagLimits(p.limits, v)
	if s.now {
		p.window, p.limits.Duty, p.limits.RowsPerSecond = window.Always(), 1, 0
		p.limits.MaxRows = p.limits.WithDefaults().MaxBatch // as many as it has keys: no bound
	}
	return p
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
		MaxRows:       cmp.Or(l.MaxRows, base.MaxRows),
	}
}

func flagLimits(l throttle.Limits, f flagValues) throttle.Limits {
	if f.batchSize != nil {
		l.MinBatch = min(l.MinBatch, *f.batchSize)
		l.StartBatch, l.MaxBatch = *f.batchSize, *f.batchSize
		if l.MaxRows > 0 && f.batchRows == nil {
			l.MaxRows = max(l.MaxRows, *f.batchSize)
		}
	}
	if f.batchMin != nil {
		l.MinBatch = *f.batchMin
		if l.MaxBatch > 0 && f.batchMax == nil {
			l.MaxBatch = max(l.MaxBatch, l.MinBatch)
		}
		if l.MaxRows > 0 && f.batchRows == nil {
			l.MaxRows = max(l.MaxRows, l.MinBatch)
		}
	}
	if f.batchMax != nil {
		l.MaxBatch = *f.batchMax
		l.MinBatch = min(l.MinBatch, l.MaxBatch)
	}
	if f.batchRows != nil {
		l.MaxRows = *f.batchRows
		l.MinBatch = min(l.MinBatch, l.MaxRows)
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
