package bgtransform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

// nearPrefix reports a variable that is not ours to the letter but nearly is,
// such as BG_TRANSFORM_ENABLED: read as unset, it would be ignored in silence.
func (f *flags) nearPrefix(variable, value string, settings map[string]flagSetting) {
	head, suffix, one := strings.Cut(strings.ToUpper(variable), "__")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		want := flagPrefix + name
		// A name of another software's may be two letters off by chance.
		if d := near.Distance(head, want); d > near.Most || (d == near.Most && !strings.HasPrefix(head, "B")) {
			continue
		}
		if one {
			want += "__" + suffix
		}
		f.problems = append(f.problems, FlagProblem{variable, value, "is not read; did you mean " + want + "?"})
		return
	}
}

// check returns a [*FlagError] with everything that is wrong, given the
// registered names.
func (f *flags) check(names []string) error {
	problems := slices.Clone(f.problems)
	for _, p := range f.unknown {
		p.Problem = f.explainUnknown(p.Variable, names)
		problems = append(problems, p)
	}
	for _, suffix := range slices.Sorted(maps.Keys(f.named)) {
		meant := nearName(suffix, names)
		for _, p := range f.origin[suffix] {
			if meant == "" {
				break
			}
			p.Problem = fmt.Sprintf("names no transform; did you mean %s for %q?", strings.TrimSuffix(p.Variable, suffix)+flagSuffix(meant), meant)
			problems = append(problems, p)
		}
	}
	problems = append(problems, f.contradictions()...)
	if len(problems) == 0 {
		return nil
	}
	slices.SortFunc(problems, func(a, b FlagProblem) int { return strings.Compare(a.Variable, b.Variable) })
	return &FlagError{problems}
}

// contradictions returns the lower bounds of batches that are above an upper one.
func (f *flags) contradictions() (problems []FlagProblem) {
	look := func(own, merged flagValues, suffix string) {
		if own.batchMin == nil && own.batchMax == nil && own.batchRows == nil {
			return
		}
		variable := flagPrefix + "BATCH_MIN"
		if own.batchMin != nil {
			variable += suffix
		}
		for _, bound := range merged.crossed() {
			problems = append(problems, FlagProblem{
				variable, strconv.Itoa(*merged.batchMin), fmt.Sprintf("is more than %s, which is %d", bound.setting, bound.value),
			})
		}
	}
	look(f.all, f.all, "")
	for suffix, own := range f.named {
		look(own, own.over(f.all), "__"+suffix)
	}
	return problems
}

// explainUnknown says what a variable with our prefix but no setting of ours
// may have meant.
func (f *flags) explainUnknown(variable string, names []string) string {
	rest := strings.TrimPrefix(variable, flagPrefix)
	for _, setting := range settingNames() {
		for _, name := range names {
			if rest == setting+"_"+flagSuffix(name) {
				return fmt.Sprintf("has one underscore before the transform's name; did you mean %s%s__%s?", flagPrefix, setting, flagSuffix(name))
			}
		}
	}
	head, suffix, one := strings.Cut(rest, "__")
	best := near.Name(strings.ToUpper(head), settingNames())
	valid := "the settings are " + strings.Join(settingNames(), ", ")
	if best == "" {
		return "is not a setting; " + valid
	}
	if one {
		best += "__" + suffix
	}
	return fmt.Sprintf("is not a setting; did you mean %s%s? %s", flagPrefix, best, valid)
}

// strangers returns the variables that name a transform which is not
// registered and resembles none: another version of the app may know it.
func (f *flags) strangers(names []string) []string {
	var out []string
	for _, suffix := range slices.Sorted(maps.Keys(f.named)) {
		known := slices.ContainsFunc(names, func(n string) bool { return flagSuffix(n) == suffix })
		if !known && nearName(suffix, names) == "" {
			for _, p := range f.origin[suffix] {
				out = append(out, p.Variable)
			}
		}
	}
	return out
}

// nearName returns the registered name that suffix nearly spells, or "" when
// it spells one to the letter, or resembles none.
func nearName(suffix string, names []string) string {
	suffixes := make([]string, len(names))
	for i, name := range names {
		suffixes[i] = flagSuffix(name)
	}
	if slices.Contains(suffixes, suffix) {
		return ""
	}
	if at := slices.Index(suffixes, near.Name(strings.ToUpper(suffix), suffixes)); at >= 0 {
		return names[at]
	}
	return ""
}
