package throttle_test

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

func TestSignalValidate(t *testing.T) {
	t.Parallel()
	read := func(context.Context) (throttle.Reading, error) { return throttle.Reading{}, nil }
	tests := map[string]struct {
		signal throttle.Signal
		want   string // empty for valid
	}{
		"the least":      {throttle.Signal{Name: "lag", Read: read}, ""},
		"all of it":      {throttle.Signal{Name: "a.b-c_9", Read: read, Every: 1, Settle: 1, Stale: 1, Unknown: throttle.Critical}, ""},
		"no name":        {throttle.Signal{Read: read}, `signal "": Name is not valid`},
		"a sentence":     {throttle.Signal{Name: "Replica lag", Read: read}, "Name is not valid; want 1 to 100 lower-case letters"},
		"a long name":    {throttle.Signal{Name: strings.Repeat("a", 101), Read: read}, "Name is not valid"},
		"no read":        {throttle.Signal{Name: "lag"}, `signal "lag": Read is nil`},
		"every below 0":  {throttle.Signal{Name: "lag", Read: read, Every: -1}, "Every is -1ns"},
		"settle below 0": {throttle.Signal{Name: "lag", Read: read, Settle: -1}, "Settle is -1ns"},
		"stale at once":  {throttle.Signal{Name: "lag", Read: read, Every: time.Second, Stale: time.Millisecond}, "Stale is 1ms; want Every, which is 1s, at least"},
		"unknown level":  {throttle.Signal{Name: "lag", Read: read, Unknown: 4}, "Unknown is Level(4)"},
	}
	for name, tt := range tests {
		err := tt.signal.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Validate() = %v, want %q", name, err, tt.want)
		}
	}
}

func TestBoundsGiveALevelAndItsReason(t *testing.T) {
	t.Parallel()
	wait := throttle.Bounds[time.Duration]{Slow: 500 * time.Millisecond, Stop: 2 * time.Second, Critical: time.Minute}
	size := throttle.Bounds[throttle.Bytes]{Stop: 1 << 30}
	tests := map[string]struct{ got, want throttle.Reading }{
		"below":          {wait.Reading("lag", 0), throttle.Reading{}},
		"at the bound":   {wait.Reading("lag", 500*time.Millisecond), throttle.Reading{}},
		"slow":           {wait.Reading("lag", 501*time.Millisecond), throttle.Reading{Level: throttle.Slow, Reason: "lag 501 ms > 500 ms"}},
		"stop":           {wait.Reading("lag", 3210*time.Millisecond), throttle.Reading{Level: throttle.Stop, Reason: "lag 3.2 s > 2 s"}},
		"critical":       {wait.Reading("lag", time.Hour), throttle.Reading{Level: throttle.Critical, Reason: "lag 1h0m0s > 60 s"}},
		"no bound for 0": {size.Reading("backlog", 1<<29), throttle.Reading{}},
		"bytes":          {size.Reading("backlog", 3<<29), throttle.Reading{Level: throttle.Stop, Reason: "backlog 1.5 GiB > 1 GiB"}},
		"a share": {
			throttle.Bounds[throttle.Share]{Slow: 0.8}.Reading("in use", 0.851),
			throttle.Reading{Level: throttle.Slow, Reason: "in use 85.1 % > 80 %"},
		},
		"a number": {
			throttle.Bounds[int]{Slow: 20}.Reading("threads", 1200000),
			throttle.Reading{Level: throttle.Slow, Reason: "threads 1200000 > 20"},
		},
		"a fraction": {
			throttle.Bounds[float64]{Slow: 1.5}.Reading("load", math.Pi),
			throttle.Reading{Level: throttle.Slow, Reason: "load 3.142 > 1.5"},
		},
		"little": {
			throttle.Bounds[time.Duration]{Slow: 300 * time.Microsecond}.Reading("wait", 1234567),
			throttle.Reading{Level: throttle.Slow, Reason: "wait 1.2 ms > 0.3 ms"},
		},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBoundsValidate(t *testing.T) {
	t.Parallel()
	tests := map[throttle.Bounds[float64]]bool{
		{}:                                true,
		{Slow: 1, Stop: 2, Critical: 3}:   true,
		{Critical: 3}:                     true,
		{Slow: 1, Critical: 2}:            true,
		{Slow: 2, Stop: 2}:                false,
		{Slow: 3, Critical: 2}:            false,
		{Slow: -1}:                        false,
		{Slow: math.NaN()}:                false,
		{Slow: 1, Stop: 3, Critical: 2.5}: false,
	}
	for bounds, valid := range tests {
		if err := bounds.Validate(); (err == nil) != valid {
			t.Errorf("%+v: Validate() = %v, want valid: %t", bounds, err, valid)
		}
	}
}

func TestFunc(t *testing.T) {
	t.Parallel()
	value, failed := 0.0, error(nil)
	s := throttle.Func("checkout-p99", throttle.Bounds[float64]{Slow: 1}, func(context.Context) (float64, error) { return value, failed })
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	want := func(level throttle.Level, reason string, fails bool) {
		t.Helper()
		got, err := s.Read(t.Context())
		if diff := cmp.Diff(throttle.Reading{Level: level, Reason: reason}, got); diff != "" || (err != nil) != fails {
			t.Errorf("Read: error %v, want one: %t (-want +got):\n%s", err, fails, diff)
		}
	}
	want(throttle.Normal, "", false)
	value = 2
	want(throttle.Slow, "checkout p99 2 > 1", false)
	value = math.NaN()
	want(throttle.Normal, "", true)
	value, failed = 2, errors.New("no")
	want(throttle.Normal, "", true)
	if err := throttle.Func[int]("x", throttle.Bounds[int]{}, nil).Validate(); err == nil {
		t.Error("a signal without a function is valid")
	}
	s, failed = throttle.Func("x", throttle.Bounds[float64]{Slow: 2, Stop: 1}, func(context.Context) (float64, error) { return 0, nil }), nil
	want(throttle.Normal, "", true)
}

// The waits of a real pool: of requests that got their connection, and of one that
// gets none.
func TestPool(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	s := throttle.Pool(db, throttle.Bounds[time.Duration]{Slow: 1, Critical: time.Hour})
	level := func() throttle.Level {
		t.Helper()
		r, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Level > throttle.Normal && !strings.HasPrefix(r.Reason, "pool waits ") {
			t.Errorf("reason %q", r.Reason)
		}
		return r.Level
	}
	until := func(want throttle.Level, what string) {
		t.Helper()
		for level() != want {
			if t.Context().Err() != nil {
				t.Fatalf("%s: the level never was %s", what, want)
			}
		}
	}
	if got := level(); got != throttle.Normal {
		t.Errorf("the first look says %s: there is nothing to compare with", got)
	}
	for range 2 { // what is over is forgotten
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() { // ends when it has got its connection
			other, err := db.Conn(t.Context())
			if err == nil {
				err = other.Close()
			}
			got <- err
		}()
		until(throttle.Slow, "while one waits")
		if got := level(); got != throttle.Slow {
			t.Errorf("a later look says %s: nobody has got a connection yet", got)
		}
		_ = conn.Close()
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		if got := level(); got != throttle.Slow {
			t.Errorf("after the wait: %s", got)
		}
		if got := level(); got != throttle.Normal {
			t.Errorf("without a wait: %s", got)
		}
	}
}
