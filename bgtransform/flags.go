package bgtransform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// flagPrefix begins the name of every environment flag.
const flagPrefix = "BGTRANSFORM_"

// FlagError says everything that is wrong with the environment flags.
type FlagError struct{ Problems []FlagProblem }

// FlagProblem is one flag that is malformed, or whose name is nearly one of ours.
type FlagProblem struct {
	Variable string // as it stands in the environment
	Value    string
	Problem  string // what is wrong, and what would be valid
}

// Error lists every problem with its variable, its value and what would be valid.
func (e *FlagError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s=%q: %s", p.Variable, p.Value, p.Problem)
	}
	return "bgtransform: environment flags: " + strings.Join(lines, "; ")
}

// CheckFlags returns a [*FlagError] with every problem of the flags in environ
// (as from os.Environ), given the names of the app's transforms; nil when there
// is none. The scheduler does the same on its own and, so that a bad flag never
// keeps an app from booting, waits and says why; call CheckFlags to find out
// before a deployment does.
func CheckFlags(environ []string, names ...string) error {
	return readFlags(environ).check(names)
}

// flagValues are the flags that are set, for all transforms or for one.
type flagValues struct {
	enabled       *bool
	window        *window.Window
	batchSize     *int
	batchMin      *int
	batchMax      *int
	batchRows     *int
	rowsPerSecond *float64
	duty          *float64
	batchTarget   *time.Duration
	dryRun        *bool
	dryExamples   *int
	phase         *dualread.Phase
}

// over returns v with what is unset in it taken from base. Bounds of base do not
// undo a size of v.
func (v flagValues) over(base flagValues) flagValues {
	if v.batchSize != nil {
		base.batchMin, base.batchMax, base.batchRows = nil, nil, nil
	}
	return flagValues{
		enabled:       either(v.enabled, base.enabled),
		window:        either(v.window, base.window),
		batchSize:     either(v.batchSize, base.batchSize),
		batchMin:      either(v.batchMin, base.batchMin),
		batchMax:      either(v.batchMax, base.batchMax),
		batchRows:     either(v.batchRows, base.batchRows),
		rowsPerSecond: either(v.rowsPerSecond, base.rowsPerSecond),
		duty:          either(v.duty, base.duty),
		batchTarget:   either(v.batchTarget, base.batchTarget),
		dryRun:        either(v.dryRun, base.dryRun),
		dryExamples:   either(v.dryExamples, base.dryExamples),
		phase:         either(v.phase, base.phase),
	}
}

// giveWayTo returns v with bounds of batches that do not contradict those of stronger,
// which are to win over them.
func (v flagValues) giveWayTo(stronger flagValues) flagValues {
	for _, most := range []*int{stronger.batchMax, stronger.batchRows} {
		if v.batchMin != nil && most != nil && *v.batchMin > *most {
			v.batchMin = most
		}
	}
	for _, most := range []**int{&v.batchMax, &v.batchRows} {
		if *most != nil && stronger.batchMin != nil && **most < *stronger.batchMin {
			*most = stronger.batchMin
		}
	}
	return v
}

// crossedBound is an upper bound of a batch that is below BATCH_MIN.
type crossedBound struct {
	setting Setting
	value   int
}

// crossed returns the upper bounds that contradict BATCH_MIN.
func (v flagValues) crossed() (bounds []crossedBound) {
	for _, b := range []struct {
		setting Setting
		value   *int
	}{{SettingBatchMax, v.batchMax}, {SettingBatchRows, v.batchRows}} {
		if v.batchMin != nil && b.value != nil && *v.batchMin > *b.value {
			bounds = append(bounds, crossedBound{b.setting, *b.value})
		}
	}
	return bounds
}

func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// flagSetting is one setting: how its text is read, and what is valid.
type flagSetting struct {
	valid string
	set   func(v *flagValues, text string) error
}

// flagSettings is the table of all settings by name.
func flagSettings() map[string]flagSetting {
	return map[string]flagSetting{
		"ENABLED": {"true or false", func(v *flagValues, s string) error { return parseTo(&v.enabled, s, strconv.ParseBool) }},
		"DRY_RUN": {"true or false", func(v *flagValues, s string) error { return parseTo(&v.dryRun, s, strconv.ParseBool) }},
		"DRY_RUN_EXAMPLES": {
			"how many rows a dry run shows in the log with their values, from 0 to 100",
			func(v *flagValues, s string) error { return parseTo(&v.dryExamples, s, parseExamples) },
		},
		"WINDOW": {
			`always, never, or such as "0 22 * * * for 8h in Europe/Berlin; except 12-24..01-01"`,
			func(v *flagValues, s string) error { return parseTo(&v.window, s, window.Parse) },
		},
		"BATCH_SIZE":      {"a whole number of keys from 1 to 1000000", func(v *flagValues, s string) error { return parseTo(&v.batchSize, s, parseBatchSize) }},
		"BATCH_MIN":       {"a whole number of keys from 1 to 1000000", func(v *flagValues, s string) error { return parseTo(&v.batchMin, s, parseBatchSize) }},
		"BATCH_MAX":       {"a whole number of keys from 1 to 1000000", func(v *flagValues, s string) error { return parseTo(&v.batchMax, s, parseBatchSize) }},
		"BATCH_ROWS":      {"a whole number of rows from 1 to 1000000", func(v *flagValues, s string) error { return parseTo(&v.batchRows, s, parseBatchSize) }},
		"ROWS_PER_SECOND": {"a number above 0, such as 2000, or unlimited", func(v *flagValues, s string) error { return parseTo(&v.rowsPerSecond, s, parseRate) }},
		"DUTY":            {"a share of time above 0 and at most 1, such as 0.5, or 50%", func(v *flagValues, s string) error { return parseTo(&v.duty, s, parseShare) }},
		"BATCH_TARGET":    {"a duration from 1ms to 1m, such as 100ms", func(v *flagValues, s string) error { return parseTo(&v.batchTarget, s, parseTarget) }},
		"PHASE":           {"old, fallback, compare or new", func(v *flagValues, s string) error { return parseTo(&v.phase, s, dualread.ParsePhase) }},
	}
}

func parseTo[T any](dst **T, text string, parse func(string) (T, error)) error {
	value, err := parse(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	*dst = &value
	return nil
}

func parseBatchSize(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && (n < 1 || n > 1_000_000) {
		err = errors.New("out of range")
	}
	return n, err
}

func parseExamples(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && (n < 0 || n > mostExamples) {
		err = errors.New("out of range")
	}
	return n, err
}

// unlimited is the rate of who wants none, whatever the code says.
const unlimited = "unlimited"

func parseRate(s string) (float64, error) {
	if s == unlimited {
		return 0, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && !(f > 0 && f <= 1e9) {
		err = errors.New("out of range")
	}
	return f, err
}

func parseShare(s string) (float64, error) {
	percent := strings.HasSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
	if percent {
		f /= 100
	}
	if err == nil && !(f > 0 && f <= 1) {
		err = errors.New("out of range")
	}
	return f, err
}

func parseTarget(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && (d < time.Millisecond || d > time.Minute) {
		err = errors.New("out of range")
	}
	return d, err
}

// flags are the environment flags as they were read once, at start.
type flags struct {
	all      flagValues
	named    map[string]flagValues    // by suffix
	origin   map[string][]FlagProblem // suffix to the variables that name it; Problem is empty
	problems []FlagProblem
	unknown  []FlagProblem // unknown settings, to be explained once the names are known
}

// readFlags reads every flag and keeps what is wrong with them.
func readFlags(environ []string) *flags {
	f := &flags{named: map[string]flagValues{}, origin: map[string][]FlagProblem{}}
	settings := flagSettings()
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, value, ok := strings.Cut(entry, "=")
		if !ok || variable == "" {
			continue
		}
		rest, ours := strings.CutPrefix(variable, flagPrefix)
		if !ours {
			f.nearPrefix(variable, value, settings)
			continue
		}
		f.read(variable, value, rest, settings)
	}
	return f
}

func (f *flags) read(variable, value, rest string, settings map[string]flagSetting) {
	name, suffix, one := strings.Cut(rest, "__")
	setting, known := settings[name]
	if !known {
		f.unknown = append(f.unknown, FlagProblem{Variable: variable, Value: value})
		return
	}
	values := f.all
	if one {
		values = f.named[suffix]
		f.named[suffix] = values // known by name, even if the value is malformed
		f.origin[suffix] = append(f.origin[suffix], FlagProblem{Variable: variable, Value: value})
	}
	if err := setting.set(&values, value); err != nil {
		f.problems = append(f.problems, FlagProblem{variable, value, explain(err, setting.valid)})
		return
	}
	if one {
		f.named[suffix] = values
	} else {
		f.all = values
	}
}

// explain keeps a parser's own explanation where it has one, and drops that of
// strconv, which says no more than the valid values do.
func explain(err error, valid string) string {
	if numErr := (*strconv.NumError)(nil); errors.As(err, &numErr) || err.Error() == "out of range" {
		return "valid is " + valid
	}
	return err.Error() + "; valid is " + valid
}

// of returns the flags that apply to one transform.
func (f *flags) of(name string) flagValues {
	return f.named[flagSuffix(name)].over(f.all)
}

// flagSuffix returns the name of a transform as it stands in a flag.
func flagSuffix(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, name)
}

// settingNames lists the settings in order.
func settingNames() []string { return slices.Sorted(maps.Keys(flagSettings())) }
