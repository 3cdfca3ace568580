package bgtransform

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// Operators win over flags, flags over options, options over the config.
func TestWhichSettingHolds(t *testing.T) {
	t.Parallel()
	night, day := window.MustParse("0 22 * * * for 8h"), window.MustParse("0 8 * * * for 8h")
	cfg := Config{Window: night, Limits: throttle.Limits{Duty: 0.1, RowsPerSecond: 10, MinBatch: 20, MaxBatch: 1000}}
	def := Definition{Name: trackMS, Options: Options{Limits: throttle.Limits{Duty: 0.2, Target: time.Second}}}
	for name, tt := range map[string]struct {
		flags     []string
		operators map[string]string
		window    window.Window
		limits    throttle.Limits
	}{
		"options over config": {nil, nil, night, throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 20, MaxBatch: 1000}},
		"flags over options": {
			[]string{"DUTY=0.3", "WINDOW=0 8 * * * for 8h", "BATCH_TARGET=2s", "BATCH_MIN=30", "BATCH_MAX=2000"},
			nil, day,
			throttle.Limits{Duty: 0.3, RowsPerSecond: 10, Target: 2 * time.Second, MinBatch: 30, MaxBatch: 2000},
		},
		"operators over flags": {
			[]string{"DUTY=0.3", "WINDOW=never", "ROWS_PER_SECOND=30", "BATCH_TARGET=2s", "BATCH_MIN=30", "BATCH_MAX=2000"},
			map[string]string{"DUTY": "40%", "WINDOW": "0 8 * * * for 8h", "ROWS_PER_SECOND": "40", "BATCH_TARGET": "3s", "BATCH_MIN": "40", "BATCH_MAX": "3000"},
			day,
			throttle.Limits{Duty: 0.4, RowsPerSecond: 40, Target: 3 * time.Second, MinBatch: 40, MaxBatch: 3000},
		},
		"no ceiling at all": {
			nil,
			map[string]string{"ROWS_PER_SECOND": "unlimited"},
			night,
			throttle.Limits{Duty: 0.2, Target: time.Second, MinBatch: 20, MaxBatch: 1000},
		},
		"a size is where it starts and its bound": {
			[]string{"BATCH_SIZE=5"},
			nil, night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 5, StartBatch: 5, MaxBatch: 5},
		},
		"a bound of operators over a size": {
			[]string{"BATCH_SIZE=50"},
			map[string]string{"BATCH_MAX": "70"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 20, StartBatch: 50, MaxBatch: 70},
		},
		"a ceiling below the code's floor": {
			nil,
			map[string]string{"BATCH_MAX": "7"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 7, MaxBatch: 7},
		},
		"rows that a batch may change": {
			[]string{"BATCH_ROWS=500"},
			nil, night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 20, MaxBatch: 1000, MaxRows: 500},
		},
		"rows of operators over those of flags, and the code's floor": {
			[]string{"BATCH_ROWS=500"},
			map[string]string{"BATCH_ROWS": "9"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 9, MaxBatch: 1000, MaxRows: 9},
		},
		"a floor of operators over bounds of flags": {
			[]string{"BATCH_ROWS=400", "BATCH_MAX=500"},
			map[string]string{"BATCH_MIN": "700"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 700, MaxBatch: 700, MaxRows: 700},
		},
		"bounds of operators over a floor of flags": {
			[]string{"BATCH_MIN=700"},
			map[string]string{"BATCH_ROWS": "400", "BATCH_MAX": "500"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 400, MaxBatch: 500, MaxRows: 400},
		},
		"a floor above the code's ceiling": {
			nil,
			map[string]string{"BATCH_MIN": "1500"},
			night,
			throttle.Limits{Duty: 0.2, RowsPerSecond: 10, Target: time.Second, MinBatch: 1500, MaxBatch: 1500},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := make([]string, len(tt.flags))
			for i, f := range tt.flags {
				environ[i] = flagPrefix + f
			}
			operators, errs := readSettings(tt.operators)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got := resolve(cfg, def, readFlags(environ).of(trackMS)).pace(operators)
			if diff := cmp.Diff(tt.limits, got.limits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
			if got.window.String() != tt.window.String() {
				t.Errorf("window is %s, want %s", got.window, tt.window)
			}
			if err := got.limits.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A floor that an operator has set wins over the rows that the code allows a batch.
func TestFloorAboveTheRowsOfTheCode(t *testing.T) {
	t.Parallel()
	operators, errs := readSettings(map[string]string{"BATCH_MIN": "700"})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	code := throttle.Limits{MaxRows: 300}
	for name, tt := range map[string]struct{ config, own throttle.Limits }{
		"of the config": {code, throttle.Limits{}}, "of the transform": {throttle.Limits{MaxRows: 9000}, code},
	} {
		got := resolve(Config{Limits: tt.config}, Definition{Name: trackMS, Options: Options{Limits: tt.own}}, flagValues{}).pace(operators)
		if want := (throttle.Limits{MinBatch: 700, MaxRows: 700}); got.limits != want {
			t.Errorf("%s: limits are %+v, want %+v", name, got.limits, want)
		}
	}
}

// A size that is set by a flag wins over the rows that the code allows a batch, and over
// those that a flag for all transforms does.
func TestSizeOverRows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code  throttle.Limits
		flags []string
		rows  int
	}{
		"of the code":    {throttle.Limits{MaxRows: 300}, []string{"BGTRANSFORM_BATCH_SIZE=1000"}, 1000},
		"more than that": {throttle.Limits{MaxRows: 3000}, []string{"BGTRANSFORM_BATCH_SIZE=1000"}, 3000},
		"of all":         {throttle.Limits{}, []string{"BGTRANSFORM_BATCH_ROWS=100", "BGTRANSFORM_BATCH_SIZE__TRACK_LENGTH_MS=1000"}, 1000},
		"of the same":    {throttle.Limits{}, []string{"BGTRANSFORM_BATCH_ROWS=100", "BGTRANSFORM_BATCH_SIZE=1000"}, 100},
		"none":           {throttle.Limits{}, []string{"BGTRANSFORM_BATCH_SIZE=1000"}, 1000},
	} {
		got := resolve(Config{Limits: tt.code}, Definition{Name: trackMS}, readFlags(tt.flags).of(trackMS)).pace(flagValues{}).limits.WithDefaults()
		if got.MaxRows != tt.rows {
			t.Errorf("%s: MaxRows is %d, want %d", name, got.MaxRows, tt.rows)
		}
	}
}
