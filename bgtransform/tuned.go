package bgtransform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Tuned is a setting that an operator has changed.
type Tuned struct {
	Setting Setting   `json:"setting"`
	Value   string    `json:"value"`
	By      string    `json:"by"`
	Why     string    `json:"why,omitempty"`
	Since   time.Time `json:"since"`
}

// tunedOf lists the settings that operators have changed, in order.
func tunedOf(in store.Intent) []Tuned {
	changed, err := in.Changed()
	if err != nil {
		return nil // the reason says so, wherever it should run
	}
	var out []Tuned
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		s := changed[name]
		out = append(out, Tuned{Setting(name), s.Value, s.ByWhom, s.Why, at(s.SinceMS)})
	}
	return out
}

// pace returns the window and the limits that hold now.
func (e *entry) pace() pace { return *e.paced.Load() }

// tune makes the settings of operators hold, from the next batch on. It is
// called with every intent that the entry's loop reads.
func (s *Scheduler) tune(ctx context.Context, e *entry, in store.Intent) {
	if in.Settings == e.tuned {
		return
	}
	e.tuned = in.Settings
	changed, err := in.Changed()
	texts := map[string]string{}
	for name, c := range changed {
		texts[name] = c.Value
	}
	v, errs := readSettings(texts)
	if err != nil {
		errs = append(errs, err)
	}
	log := s.logger(e)
	if e.mistuned = listed(errs); e.mistuned != "" {
		log.ErrorContext(ctx, "bgtransform: cannot read what an operator has set", "error", e.mistuned)
		return
	}
	p := e.settings.pace(v)
	e.paced.Store(&p)
	e.pacer.SetLimits(p.limits)
	e.cramped = cramped{}
	log.InfoContext(ctx, "bgtransform: settings changed by an operator", "settings", texts)
}

// unreadable keeps a transform from running whose settings this version of the
// app cannot read: what is not known may be what is to hold it back.
func (e *entry) unreadable() (pause, bool) {
	if e.mistuned == "" {
		return pause{}, false
	}
	text := fmt.Sprintf("an operator has set what this version of the app cannot read: %s", e.mistuned)
	return pause{Reason{Code: ReasonSettings, Text: text}, attentive}, true
}
