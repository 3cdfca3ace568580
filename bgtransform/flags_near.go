package bgtransform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// nearby is how many letters a name may be off to count as meant for us.
const nearby = 2

// nearPrefix reports a variable that is not ours to the letter but nearly is,
// such as BG_TRANSFORM_ENABLED: read as unset, it would be ignored in silence.
func (f *flags) nearPrefix(variable, value string, settings map[string]flagSetting) {
	head, suffix, one := strings.Cut(strings.ToUpper(variable), "__")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		want := flagPrefix + name
		// A name of another software's may be two letters off by chance.
		if d := distance(head, want, nearby); d > nearby || (d == nearby && !strings.HasPrefix(head, "B")) {
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
		near := nearName(suffix, names)
		for _, p := range f.origin[suffix] {
			if near == "" {
				break
			}
			p.Problem = fmt.Sprintf("names no transform; did you mean %s for %q?", strings.TrimSuffix(p.Variable, suffix)+flagSuffix(near), near)
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

// contradictions returns the lower bounds of batches that are above the higher one.
func (f *flags) contradictions() (problems []FlagProblem) {
	look := func(own, merged flagValues, suffix string) {
		if (own.batchMin == nil && own.batchMax == nil) || !merged.crossed() {
			return
		}
		variable := flagPrefix + "BATCH_MIN"
		if own.batchMin != nil {
			variable += suffix
		}
		problems = append(problems, FlagProblem{
			variable, strconv.Itoa(*merged.batchMin), fmt.Sprintf("is more than BATCH_MAX, which is %d", *merged.batchMax),
		})
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
	best, bestAt := "", nearby+1
	for _, setting := range settingNames() {
		if d := distance(strings.ToUpper(head), setting, nearby); d < bestAt {
			best, bestAt = setting, d
		}
	}
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
	near := ""
	for _, name := range names {
		switch d := distance(strings.ToUpper(suffix), flagSuffix(name), nearby); {
		case suffix == flagSuffix(name):
			return ""
		case d <= nearby:
			near = name
		}
	}
	return near
}

// distance returns how many letters must be added, dropped, replaced or
// swapped with their neighbour to turn a into b, or most+1 when more than most.
func distance(a, b string, most int) int {
	if abs(len(a)-len(b)) > most {
		return most + 1
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return min(prev[len(b)], most+1)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
