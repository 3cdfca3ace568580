package throttle_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	defaults := throttle.Limits{Duty: 0.5, Target: 100 * time.Millisecond, MinBatch: 10, StartBatch: 400, MaxBatch: 10000, MaxRows: 400}
	sizes := func(least, start, most, rows int) throttle.Limits {
		l := defaults
		l.MinBatch, l.StartBatch, l.MaxBatch, l.MaxRows = least, start, most, rows
		return l
	}
	tests := map[string]struct{ in, want throttle.Limits }{
		"zero": {throttle.Limits{}, defaults},
		"set fields are kept": {
			throttle.Limits{Duty: 1, RowsPerSecond: 0.5, Target: time.Second, MinBatch: 1, StartBatch: 2, MaxBatch: 3, MaxRows: 4},
			throttle.Limits{Duty: 1, RowsPerSecond: 0.5, Target: time.Second, MinBatch: 1, StartBatch: 2, MaxBatch: 3, MaxRows: 4},
		},
		"start above ceiling":              {throttle.Limits{StartBatch: 500, MaxBatch: 100}, sizes(10, 100, 100, 500)},
		"start below floor":                {throttle.Limits{MinBatch: 50, StartBatch: 20}, sizes(50, 50, 10000, 400)},
		"ceiling below the default floor":  {throttle.Limits{MaxBatch: 5}, sizes(5, 5, 5, 400)},
		"floor above the default ceiling":  {throttle.Limits{MinBatch: 20000}, sizes(20000, 20000, 20000, 20000)},
		"start above the default ceiling":  {throttle.Limits{StartBatch: 20000}, sizes(10, 20000, 20000, 20000)},
		"start below the default floor":    {throttle.Limits{StartBatch: 1}, sizes(1, 1, 10000, 400)},
		"floor above ceiling is not valid": {throttle.Limits{MinBatch: 50, MaxBatch: 20}, sizes(20, 20, 20, 400)},
		"start above the default of rows":  {throttle.Limits{StartBatch: 2000}, sizes(10, 2000, 10000, 2000)},
		"floor above the default of rows":  {throttle.Limits{MinBatch: 2000}, sizes(2000, 2000, 10000, 2000)},
		"a ceiling is none for rows":       {throttle.Limits{MaxBatch: 7000}, sizes(10, 400, 7000, 400)},
		"rows below the default start":     {throttle.Limits{MaxRows: 50}, sizes(10, 50, 10000, 50)},
		"rows below start":                 {throttle.Limits{StartBatch: 70, MaxRows: 50}, sizes(10, 50, 10000, 50)},
		"rows below the default floor":     {throttle.Limits{MaxRows: 5}, sizes(5, 5, 10000, 5)},
		"floor above rows is not valid":    {throttle.Limits{MinBatch: 50, MaxRows: 20}, sizes(20, 20, 10000, 20)},
		"rows above the ceiling":           {throttle.Limits{MaxBatch: 50, MaxRows: 90}, sizes(10, 50, 50, 90)},
		"not valid": {
			throttle.Limits{Duty: math.NaN(), RowsPerSecond: math.Inf(1), Target: -1, MinBatch: -1, StartBatch: math.MinInt, MaxBatch: math.MaxInt, MaxRows: -1},
			defaults,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.in.WithDefaults()); diff != "" {
				t.Errorf("WithDefaults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithDefaultsIsValidAndStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := throttle.Limits{
			Duty:          rapid.Float64().Draw(rt, "duty"),
			RowsPerSecond: rapid.Float64().Draw(rt, "rows"),
			Target:        time.Duration(rapid.Int64().Draw(rt, "target")),
			MinBatch:      rapid.Int().Draw(rt, "min"),
			StartBatch:    rapid.Int().Draw(rt, "start"),
			MaxBatch:      rapid.Int().Draw(rt, "max"),
			MaxRows:       rapid.Int().Draw(rt, "most rows"),
		}.WithDefaults()
		if err := l.Validate(); err != nil {
			rt.Fatalf("%+v: %v", l, err)
		}
		if again := l.WithDefaults(); again != l {
			rt.Fatalf("WithDefaults of %+v = %+v, want no change", l, again)
		}
		if l.MinBatch < 1 || l.StartBatch < l.MinBatch || min(l.MaxBatch, l.MaxRows) < l.StartBatch {
			rt.Fatalf("%+v: sizes are not in order", l)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits throttle.Limits
		want   string // empty for valid
	}{
		"zero":                    {throttle.Limits{}, ""},
		"full duty":               {throttle.Limits{Duty: 1}, ""},
		"start above ceiling":     {throttle.Limits{StartBatch: 500, MaxBatch: 100}, ""},
		"duty above 1":            {throttle.Limits{Duty: 50}, "Duty is 50; want a share of time, more than 0 and at most 1"},
		"duty below 0":            {throttle.Limits{Duty: -0.1}, "Duty is -0.1"},
		"duty NaN":                {throttle.Limits{Duty: math.NaN()}, "Duty is NaN"},
		"rows below 0":            {throttle.Limits{RowsPerSecond: -1}, "RowsPerSecond is -1; want a finite number of rows"},
		"rows infinite":           {throttle.Limits{RowsPerSecond: math.Inf(1)}, "RowsPerSecond is +Inf"},
		"target below 0":          {throttle.Limits{Target: -time.Second}, "Target is -1s; want a duration more than 0"},
		"floor below 0":           {throttle.Limits{MinBatch: -1}, "MinBatch is -1; want from 1 to 1000000 keys"},
		"start below 0":           {throttle.Limits{StartBatch: -1}, "StartBatch is -1"},
		"ceiling below 0":         {throttle.Limits{MaxBatch: -1}, "MaxBatch is -1"},
		"ceiling without bound":   {throttle.Limits{MaxBatch: math.MaxInt}, "MaxBatch is 9223372036854775807"},
		"floor above ceiling":     {throttle.Limits{MinBatch: 50, MaxBatch: 20}, "MinBatch is 50; want at most MaxBatch, which is 20"},
		"rows of a batch below 0": {throttle.Limits{MaxRows: -1}, "MaxRows is -1; want from 1 to 1000000 rows, or 0 for the default of 400"},
		"floor above rows":        {throttle.Limits{MinBatch: 50, MaxRows: 20}, "MinBatch is 50; want at most MaxRows, which is 20"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.limits.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Validate = %v, want nil", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), "throttle: "+tt.want)):
				t.Errorf("Validate = %v, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestValidateReportsAll(t *testing.T) {
	t.Parallel()
	err := throttle.Limits{Duty: 2, RowsPerSecond: -1, Target: -1, MinBatch: -1, StartBatch: -1, MaxBatch: -1, MaxRows: -1}.Validate()
	if err == nil {
		t.Fatal("Validate = nil, want an error")
	}
	if got := strings.Count(err.Error(), "throttle: "); got != 7 {
		t.Errorf("Validate reports %d fields, want 7:\n%v", got, err)
	}
}
