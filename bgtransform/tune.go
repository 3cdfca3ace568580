package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Setting names what an operator may change of a transform while it runs. It is
// spelled as in the environment flags, and has the same values.
type Setting string

// The settings that an operator may change. To switch a transform off, pause it.
const (
	SettingPhase         Setting = "PHASE"           // which column reads are to come to: "old", "fallback", "compare", "new"
	SettingWindow        Setting = "WINDOW"          // when batches may run: "0 22 * * * for 8h in Europe/Berlin", "always", "never"
	SettingDuty          Setting = "DUTY"            // share of time that batches may use: "0.5", "50%"
	SettingRowsPerSecond Setting = "ROWS_PER_SECOND" // ceiling for changed rows: "2000", "unlimited"
	SettingBatchTarget   Setting = "BATCH_TARGET"    // how long a batch should take: "100ms"
	SettingBatchMin      Setting = "BATCH_MIN"       // keys in a batch, at least: "10"
	SettingBatchMax      Setting = "BATCH_MAX"       // keys in a batch, at most: "10000"
	SettingBatchRows     Setting = "BATCH_ROWS"      // rows that a batch should change, at most: "400"
)

// Settings returns the settings that an operator may change, in order.
func Settings() []Setting {
	return []Setting{SettingBatchMax, SettingBatchMin, SettingBatchRows, SettingBatchTarget, SettingDuty, SettingPhase, SettingRowsPerSecond, SettingWindow}
}

// Default as the value of a setting sets it back to what the app's flags and code say.
const Default = "default"

// ErrSetting is returned by [Control.Tune] for settings that do not exist or
// have no such value. Its message lists all that are wrong, with what would be valid.
var ErrSetting = errors.New("invalid setting")

// Tune changes settings of a transform, in whatever state it is, until they are set
// back by [Default] or [Control.Untune]; others stay as they are. What an
// operator has set wins over the app's flags and code, on every instance, and
// survives restarts. A running transform heeds it before its next batch, once
// 50 ms have passed; one that waits for its window within 13 seconds. The
// log of actions keeps who did it, why, and each setting with its old value.
// Nothing is changed if one of the values is not valid.
func (c *Control) Tune(ctx context.Context, name string, by By, values map[Setting]string) error {
	return c.tune(ctx, name, "tune", by, func(changed map[string]store.Setting) (map[Setting]string, error) {
		if len(values) == 0 {
			return nil, fmt.Errorf("%w: no setting is named; there are %s", ErrSetting, settingList())
		}
		return values, checkSettings(values, changed)
	})
}

// Untune sets settings of a transform back to what the app's flags and code say:
// those named, or all if none is. Those that nobody has changed stay as they are.
func (c *Control) Untune(ctx context.Context, name string, by By, settings ...Setting) error {
	return c.tune(ctx, name, "untune", by, func(changed map[string]store.Setting) (map[Setting]string, error) {
		values := map[Setting]string{}
		for s := range changed {
			if len(settings) == 0 || slices.Contains(settings, Setting(s)) {
				values[Setting(s)] = Default
			}
		}
		if len(values) == 0 {
			return nil, fmt.Errorf("%w: nobody has changed any of these settings", ErrNotAllowed)
		}
		return values, nil
	})
}

func (c *Control) tune(ctx context.Context, name, action string, by By, wanted func(changed map[string]store.Setting) (map[Setting]string, error)) error {
	if strings.TrimSpace(by.Who) == "" {
		return fmt.Errorf("bgtransform: %s transform %q: By.Who is empty; say who does it", action, name)
	}
	by = By{clip(by.Who, 200), clip(by.Why, 2000)}
	log := store.Action{Action: action, ByWhom: by.Who, Why: by.Why}
	err := c.store.Tune(ctx, name, log, func(changed map[string]store.Setting, nowMS int64) (map[string]store.Setting, string, error) {
		values, err := wanted(changed)
		if err != nil {
			return nil, "", err
		}
		after, what := tuned(changed, values, by, nowMS)
		return after, what, nil
	})
	if err != nil {
		return fmt.Errorf("bgtransform: %w", c.unknown(ctx, name, err))
	}
	c.wake(name)
	return nil
}

// tuned returns the changed settings after values were set, and what the log
// says of it: "DUTY=20% (was 50%), WINDOW=default (was never)".
func tuned(changed map[string]store.Setting, values map[Setting]string, by By, nowMS int64) (after map[string]store.Setting, what string) {
	after = maps.Clone(changed)
	if after == nil {
		after = map[string]store.Setting{}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, was := strings.TrimSpace(values[name]), Default
		if old, ok := changed[string(name)]; ok {
			was = old.Value
		}
		lines = append(lines, fmt.Sprintf("%s=%s (was %s)", name, value, was))
		if value == Default {
			delete(after, string(name))
			continue
		}
		after[string(name)] = store.Setting{Value: value, ByWhom: by.Who, Why: by.Why, SinceMS: nowMS}
	}
	return after, strings.Join(lines, ", ")
}

// longestValue is the most bytes that the value of a setting may have.
const longestValue = 1000

// checkSettings returns an error that lists all that is wrong with values, given
// what operators have changed before.
func checkSettings(values map[Setting]string, changed map[string]store.Setting) error {
	all := map[string]string{}
	for name, s := range changed {
		all[name] = s.Value
	}
	var errs []error
	for name, value := range values {
		switch {
		case !slices.Contains(Settings(), name):
			errs = append(errs, fmt.Errorf("%s cannot be changed; what can is %s", name, settingList()))
		case len(value) > longestValue:
			errs = append(errs, fmt.Errorf("%s has %d bytes; want %d at most", name, len(value), longestValue))
		case strings.TrimSpace(value) == Default:
			delete(all, string(name))
		default:
			all[string(name)] = value
		}
	}
	v, bad := readSettings(all)
	errs = append(errs, bad...)
	for _, bound := range v.crossed() {
		errs = append(errs, fmt.Errorf("BATCH_MIN=%d is more than %s=%d", *v.batchMin, bound.setting, bound.value))
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return fmt.Errorf("%w: %s", ErrSetting, listed(errs))
}

// readSettings reads what operators have set, as flags are read, and returns
// what is wrong with it.
func readSettings(texts map[string]string) (v flagValues, errs []error) {
	known := flagSettings()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.Contains(Settings(), Setting(name)) {
			errs = append(errs, fmt.Errorf("%s is a setting that this version of the app does not know", name))
			continue
		}
		if err := known[name].set(&v, texts[name]); err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: %s", name, texts[name], explain(err, known[name].valid)))
		}
	}
	return v, errs
}

func settingList() string {
	names := make([]string, len(Settings()))
	for i, s := range Settings() {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// listed puts errors into one line.
func listed(errs []error) string {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "; ")
}
