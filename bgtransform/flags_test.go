package bgtransform

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// trackMS is the transform that the flags in these tests are about.
const trackMS = "track-length-ms"

func TestFlagsAreRead(t *testing.T) {
	t.Parallel()
	for entry, read := range map[string]func(v flagValues) any{
		"ENABLED=true":   func(v flagValues) any { return *v.enabled == true },
		"ENABLED=0":      func(v flagValues) any { return *v.enabled == false },
		"DRY_RUN= true ": func(v flagValues) any { return *v.dryRun == true },
		"WINDOW=always":  func(v flagValues) any { return v.window.Contains(time.Now()) },
		"WINDOW=never":   func(v flagValues) any { return !v.window.Contains(time.Now()) },
		"WINDOW=0 22 * * * for 8h in Europe/Berlin": func(v flagValues) any { return !v.window.IsZero() },
		"BATCH_SIZE=1":               func(v flagValues) any { return *v.batchSize == 1 },
		"BATCH_SIZE=1000000":         func(v flagValues) any { return *v.batchSize == 1_000_000 },
		"BATCH_MIN=1":                func(v flagValues) any { return *v.batchMin == 1 },
		"BATCH_MAX=1000000":          func(v flagValues) any { return *v.batchMax == 1_000_000 },
		"BATCH_ROWS=250":             func(v flagValues) any { return *v.batchRows == 250 },
		"ROWS_PER_SECOND=unlimited":  func(v flagValues) any { return *v.rowsPerSecond == 0 },
		"ROWS_PER_SECOND=0.5":        func(v flagValues) any { return *v.rowsPerSecond == 0.5 },
		"ROWS_PER_SECOND=1000000000": func(v flagValues) any { return *v.rowsPerSecond == 1e9 },
		"DUTY=1":                     func(v flagValues) any { return *v.duty == 1 },
		"DUTY=50%":                   func(v flagValues) any { return *v.duty == 0.5 },
		"DUTY=12.5 %":                func(v flagValues) any { return *v.duty == 0.125 },
		"BATCH_TARGET=1ms":           func(v flagValues) any { return *v.batchTarget == time.Millisecond },
		"BATCH_TARGET=1m":            func(v flagValues) any { return *v.batchTarget == time.Minute },
		"PHASE=old":                  func(v flagValues) any { return *v.phase == dualread.PhaseOld },
		"PHASE=fallback":             func(v flagValues) any { return *v.phase == dualread.PhaseFallback },
		"PHASE=new":                  func(v flagValues) any { return *v.phase == dualread.PhaseNew },
	} {
		name, value, _ := strings.Cut(entry, "=")
		for _, variable := range []string{"BGTRANSFORM_" + name, "BGTRANSFORM_" + name + "__TRACK_LENGTH_MS"} {
			environ := []string{variable + "=" + value}
			if err := CheckFlags(environ, trackMS); err != nil {
				t.Errorf("%s=%s: %v", variable, value, err)
				continue
			}
			if read(readFlags(environ).of(trackMS)) != true {
				t.Errorf("%s=%s is read as something else", variable, value)
			}
		}
	}
}

func TestMalformedFlagsSayWhatIsValid(t *testing.T) {
	t.Parallel()
	for setting, test := range map[string]struct {
		values []string
		valid  string
	}{
		"ENABLED":         {[]string{"", "yes", "on", "2"}, "true or false"},
		"DRY_RUN":         {[]string{"", "maybe"}, "true or false"},
		"WINDOW":          {[]string{"", "22:00-06:00", "* * * for 1h", "0 22 * * * for 8h in Mars/Base", "0 22 * * *"}, "0 22 * * * for 8h in Europe/Berlin"},
		"BATCH_SIZE":      {[]string{"", "0", "-1", "1.5", "1000001", "1e3", "99999999999999999999"}, "1 to 1000000"},
		"BATCH_MIN":       {[]string{"", "0", "1000001", "unlimited"}, "1 to 1000000"},
		"BATCH_MAX":       {[]string{"", "0", "-1", "many"}, "1 to 1000000"},
		"BATCH_ROWS":      {[]string{"", "0", "-1", "1000001", "unlimited"}, "rows from 1 to 1000000"},
		"ROWS_PER_SECOND": {[]string{"", "0", "-1", "fast", "NaN", "Inf", "1e400", "1000000001"}, "above 0"},
		"DUTY":            {[]string{"", "0", "1.01", "0%", "101%", "%", "NaN", "-50%"}, "above 0 and at most 1"},
		"BATCH_TARGET":    {[]string{"", "100", "0s", "999us", "61s", "-1s"}, "1ms to 1m"},
		"PHASE":           {[]string{"", "OLD", "compare!", "3"}, "old, fallback"},
	} {
		for _, value := range test.values {
			for _, variable := range []string{"BGTRANSFORM_" + setting, "BGTRANSFORM_" + setting + "__TRACK_LENGTH_MS"} {
				problems := flagProblems(t, []string{variable + "=" + value})
				if len(problems) != 1 {
					t.Errorf("%s=%q: %d problems, want 1: %v", variable, value, len(problems), problems)
					continue
				}
				p := problems[0]
				if p.Variable != variable || p.Value != value || !strings.Contains(p.Problem, test.valid) {
					t.Errorf("%s=%q is answered with %+v, want what is valid: %q", variable, value, p, test.valid)
				}
			}
		}
	}
}

func TestOneErrorListsEverything(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PATH=/bin",
		"BGTRANSFORM_ENABLED=yes",
		"BGTRANSFORM_WINDOW__TRACK_LENGTH_MS=at night",
		"BGTRANSFORM_BATCHSIZE=5",
		"BG_TRANSFORM_DUTY=0.5",
		"bgtransform_phase=old",
		"BGTRANSFORM_DUTY__TRACK_LENGHT_MS=0.5",
		"BGTRANSFORM_ENABLED_TRACK_LENGTH_MS=false",
		"BGTRANSFORM_DRY_RUN=true",
		"BGTRANSFORM_DUTY__SOMETHING_ELSE=0.5",
	}
	err := CheckFlags(environ, trackMS)
	got := flagProblems(t, environ)
	variables := make([]string, len(got))
	for i, p := range got {
		variables[i] = p.Variable
		if !strings.Contains(err.Error(), p.Variable) || !strings.Contains(err.Error(), p.Problem) {
			t.Errorf("the text says nothing of %+v:\n%v", p, err)
		}
	}
	want := []string{
		"BGTRANSFORM_BATCHSIZE", "BGTRANSFORM_DUTY__TRACK_LENGHT_MS", "BGTRANSFORM_ENABLED", "BGTRANSFORM_ENABLED_TRACK_LENGTH_MS",
		"BGTRANSFORM_WINDOW__TRACK_LENGTH_MS", "BG_TRANSFORM_DUTY", "bgtransform_phase",
	}
	if diff := cmp.Diff(want, variables); diff != "" {
		t.Errorf("variables with problems (-want +got):\n%s", diff)
	}
	slices.Reverse(environ)
	if again := CheckFlags(environ, trackMS); again.Error() != err.Error() {
		t.Errorf("in another order the error is another:\n%v\n%v", err, again)
	}
}

func TestBoundsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		environ  []string
		variable string // empty: all is well
	}{
		"all":              {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX=20"}, "BGTRANSFORM_BATCH_MIN"},
		"one":              {[]string{"BGTRANSFORM_BATCH_MIN__TRACK_LENGTH_MS=50", "BGTRANSFORM_BATCH_MAX__TRACK_LENGTH_MS=20"}, "BGTRANSFORM_BATCH_MIN__TRACK_LENGTH_MS"},
		"min of one":       {[]string{"BGTRANSFORM_BATCH_MIN__TRACK_LENGTH_MS=50", "BGTRANSFORM_BATCH_MAX=20"}, "BGTRANSFORM_BATCH_MIN__TRACK_LENGTH_MS"},
		"max of one":       {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX__TRACK_LENGTH_MS=20"}, "BGTRANSFORM_BATCH_MIN"},
		"rows":             {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX=90", "BGTRANSFORM_BATCH_ROWS=20"}, "BGTRANSFORM_BATCH_MIN"},
		"rows of one":      {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_ROWS__TRACK_LENGTH_MS=20"}, "BGTRANSFORM_BATCH_MIN"},
		"equal":            {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX=50"}, ""},
		"a size of one":    {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_SIZE__TRACK_LENGTH_MS=20"}, ""},
		"a size over rows": {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_ROWS=60", "BGTRANSFORM_BATCH_SIZE__TRACK_LENGTH_MS=20"}, ""},
		"a flag of other":  {[]string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX=50", "BGTRANSFORM_DUTY__TRACK_LENGTH_MS=1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckFlags(tt.environ, trackMS)
			if tt.variable == "" {
				if err != nil {
					t.Errorf("CheckFlags = %v, want nil", err)
				}
				return
			}
			problems := flagProblems(t, tt.environ)
			bound := "BATCH_MAX"
			if strings.HasPrefix(name, "rows") {
				bound = "BATCH_ROWS"
			}
			want := []FlagProblem{{tt.variable, "50", "is more than " + bound + ", which is 20"}}
			if diff := cmp.Diff(want, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// All that contradicts a bound is in the one error.
func TestBoundThatContradictsTwoOthers(t *testing.T) {
	t.Parallel()
	want := []FlagProblem{
		{"BGTRANSFORM_BATCH_MIN", "50", "is more than BATCH_MAX, which is 20"},
		{"BGTRANSFORM_BATCH_MIN", "50", "is more than BATCH_ROWS, which is 10"},
	}
	got := flagProblems(t, []string{"BGTRANSFORM_BATCH_MIN=50", "BGTRANSFORM_BATCH_MAX=20", "BGTRANSFORM_BATCH_ROWS=10"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Whoever mends what the error names must not be told of more afterwards.
func TestOneErrorListsEveryVariableOfAMisspelledTransform(t *testing.T) {
	t.Parallel()
	problems := flagProblems(t, []string{
		"BGTRANSFORM_DUTY__TRACK_LENGHT_MS=0.5", "BGTRANSFORM_ENABLED__TRACK_LENGHT_MS=maybe", "BGTRANSFORM_PHASE__TRACK_LENGHT_MS=old",
	})
	var misspelled []string
	for _, p := range problems {
		if strings.Contains(p.Problem, "__TRACK_LENGTH_MS") {
			misspelled = append(misspelled, p.Variable)
		}
	}
	want := []string{"BGTRANSFORM_DUTY__TRACK_LENGHT_MS", "BGTRANSFORM_ENABLED__TRACK_LENGHT_MS", "BGTRANSFORM_PHASE__TRACK_LENGHT_MS"}
	if diff := cmp.Diff(want, misspelled); diff != "" {
		t.Errorf("variables whose transform is said to be misspelled (-want +got):\n%s", diff)
	}
}

func TestNamesThatAreNearlyOurs(t *testing.T) {
	t.Parallel()
	for variable, meant := range map[string]string{
		"BG_TRANSFORM_ENABLED":                   "BGTRANSFORM_ENABLED",
		"BGTRANFORM_ENABLED":                     "BGTRANSFORM_ENABLED",
		"BGTRANSFROM_WINDOW":                     "BGTRANSFORM_WINDOW",
		"BGTRANSFORMENABLED":                     "BGTRANSFORM_ENABLED",
		"BGTRANSFORM-ENABLED":                    "BGTRANSFORM_ENABLED",
		"BGTRANSFORMS_PHASE__TRACK_LENGTH_MS":    "BGTRANSFORM_PHASE__TRACK_LENGTH_MS",
		"bgtransform_enabled":                    "BGTRANSFORM_ENABLED",
		"bgtransform_enabled__track_length_ms":   "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLE":                     "BGTRANSFORM_ENABLED",
		"BGTRANSFORM_enabled":                    "BGTRANSFORM_ENABLED",
		"BGTRANSFORM_BATCHSIZE":                  "BGTRANSFORM_BATCH_SIZE",
		"BGTRANSFORM_ROWS_PER_SECONDS":           "BGTRANSFORM_ROWS_PER_SECOND",
		"BGTRANSFORM_DRYRUN__TRACK_LENGTH_MS":    "BGTRANSFORM_DRY_RUN__TRACK_LENGTH_MS",
		"BGTRANSFORM__ENABLED":                   "BGTRANSFORM_ENABLED",
		"BGTRANSFORM_ENABLED_TRACK_LENGTH_MS":    "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_BATCH_SIZE_TRACK_LENGTH_MS": "BGTRANSFORM_BATCH_SIZE__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLED__TRACK_LENGHT_MS":   "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLED__TRACKLENGTH_MS":    "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLED__track-length-ms":   "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLED__track_length_ms":   "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
		"BGTRANSFORM_ENABLED___TRACK_LENGTH_MS":  "BGTRANSFORM_ENABLED__TRACK_LENGTH_MS",
	} {
		problems := flagProblems(t, []string{variable + "=true"})
		if len(problems) == 0 {
			t.Errorf("%s is ignored in silence, want the advice %s", variable, meant)
			continue
		}
		if !strings.Contains(problems[0].Problem, "did you mean "+meant) {
			t.Errorf("%s is answered with %q, want the advice %s", variable, problems[0].Problem, meant)
		}
	}
}

func TestNamesThatAreNotOurs(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PATH=/bin", "HOME=", "ENABLED=true", "WINDOW=1", "APP_TRANSFORM_ENABLED=1", "BG=1", "=C:=C:\\dir", "NOVALUE", "", "=", "MY_BGTRANSFORM_ENABLED=x",
	}
	if err := CheckFlags(environ, trackMS); err != nil {
		t.Errorf("CheckFlags = %v, want nil", err)
	}
	if problems := flagProblems(t, []string{"BGTRANSFORM_COLOUR=red"}); len(problems) != 1 || !strings.Contains(problems[0].Problem, "BATCH_SIZE, ") {
		t.Errorf("an unknown setting is answered with %v, want the list of settings", problems)
	}
}

// Another version of the app may know a transform that this one does not.
func TestFlagsOfUnknownTransformsAreStrangers(t *testing.T) {
	t.Parallel()
	environ := []string{
		"BGTRANSFORM_ENABLED__ARTIST_SORT_NAME=false", "BGTRANSFORM_DUTY__ARTIST_SORT_NAME=0.5",
		"BGTRANSFORM_ENABLED__TRACK_LENGTH_MS=true", "BGTRANSFORM_ENABLED__TRACK_LENGHT_MS=true",
	}
	f := readFlags(environ)
	if diff := cmp.Diff([]string{"BGTRANSFORM_DUTY__ARTIST_SORT_NAME", "BGTRANSFORM_ENABLED__ARTIST_SORT_NAME"}, f.strangers([]string{trackMS})); diff != "" {
		t.Errorf("strangers (-want +got):\n%s", diff)
	}
	if err := CheckFlags(environ[:3], trackMS); err != nil {
		t.Errorf("CheckFlags = %v, want nil", err)
	}
}

func TestFlagOfOneTransformWins(t *testing.T) {
	t.Parallel()
	f := readFlags([]string{
		"BGTRANSFORM_ENABLED=false", "BGTRANSFORM_DUTY=0.1", "BGTRANSFORM_BATCH_SIZE=7",
		"BGTRANSFORM_ENABLED__TRACK_LENGTH_MS=true", "BGTRANSFORM_DUTY__TRACK_LENGTH_MS=0.9",
	})
	if v := f.of(trackMS); !*v.enabled || *v.duty != 0.9 || *v.batchSize != 7 || v.window != nil {
		t.Errorf("flags of the named transform: %t, %g, %d, %v; want its own, then those of all, then none", *v.enabled, *v.duty, *v.batchSize, v.window)
	}
	if v := f.of("other"); *v.enabled || *v.duty != 0.1 || *v.batchSize != 7 {
		t.Errorf("flags of another transform: %t, %g, %d; want those of all", *v.enabled, *v.duty, *v.batchSize)
	}
}

func TestUnsetFlagsMeanTheDefault(t *testing.T) {
	t.Parallel()
	if got := readFlags(nil).of(trackMS); got != (flagValues{}) {
		t.Errorf("without flags the values are %+v, want none", got)
	}
	if err := CheckFlags(nil); err != nil {
		t.Errorf("CheckFlags(nil) = %v, want nil", err)
	}
}

func TestFlagSuffix(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"track-length-ms": "TRACK_LENGTH_MS", "a.b/c d": "A_B_C_D", "ABC9": "ABC9", "größe": "GR__E", "": "",
	} {
		if got := flagSuffix(name); got != want {
			t.Errorf("flagSuffix(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzFlags: no environment makes the flags panic, and what is ours is either
// read or reported.
func FuzzFlags(f *testing.F) {
	f.Add("BGTRANSFORM_ENABLED", "true", trackMS)
	f.Add("BGTRANSFORM_WINDOW__TRACK_LENGTH_MS", "0 22 * * * for 8h in Europe/Berlin; 0 0 * * 6 for 24h", trackMS)
	f.Add("BGTRANSFORM_DUTY__", "%", "")
	f.Add("BGTRANSFORM___", "", "_")
	f.Add("bg_transform_enabled__ü", "\x00", "ü")
	f.Add("BGTRANSFORM_WINDOW", "TZ= * * * * * for 1h", "x")
	f.Add("BGTRANSFORM_WINDOW", "@every 1h for 99999999h", "x")
	f.Add("BGTRANSFORM_BATCH_TARGET", "9223372036854775807ns", "x")
	f.Fuzz(func(t *testing.T, variable, value, name string) {
		flags := readFlags([]string{variable + "=" + value})
		err := flags.check([]string{name})
		if problem, ok := errors.AsType[*FlagError](err); err != nil && (!ok || len(problem.Problems) == 0 || problem.Error() == "") {
			t.Errorf("%q=%q: the error is %T %v", variable, value, err, err)
		}
		v := flags.of(name)
		if v.batchSize != nil && (*v.batchSize < 1 || *v.batchSize > 1_000_000) || v.duty != nil && !(*v.duty > 0 && *v.duty <= 1) ||
			v.rowsPerSecond != nil && !(*v.rowsPerSecond > 0) || v.batchTarget != nil && *v.batchTarget < time.Millisecond {
			t.Errorf("%q=%q is read as %+v", variable, value, v)
		}
		ours := strings.HasPrefix(variable, flagPrefix) && !strings.Contains(variable, "=")
		if read := v != (flagValues{}) || len(flags.strangers([]string{name})) > 0; ours && !read && err == nil {
			t.Errorf("%q=%q is ignored in silence", variable, value)
		}
	})
}

// flagProblems returns what is wrong with the flags, for an app with one transform.
func flagProblems(t *testing.T, environ []string) []FlagProblem {
	t.Helper()
	err := CheckFlags(environ, trackMS)
	if err == nil {
		return nil
	}
	problem, ok := errors.AsType[*FlagError](err)
	if !ok {
		t.Fatalf("CheckFlags(%q) = %T, want a *FlagError", environ, err)
	}
	return problem.Problems
}
