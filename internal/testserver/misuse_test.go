package testserver_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// judged is a test that is judged, not run: it keeps what the real one would end
// with.
type judged struct {
	testing.TB

	verdict string
}

func (j *judged) Helper() {}

func (j *judged) Fatalf(format string, args ...any) {
	j.verdict = "fatal: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (j *judged) Fatal(args ...any) { j.Fatalf("%s", fmt.Sprint(args...)) }

func (j *judged) Skipf(format string, args ...any) {
	j.verdict = "skip: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// judge returns how a test ends that does this.
func judge(t *testing.T, do func(testing.TB)) string {
	t.Helper()
	j := &judged{TB: t}
	done := make(chan struct{})
	go func() { // ends with do
		defer close(done)
		do(j)
	}()
	<-done
	return j.verdict
}

func TestSharedServersAreNotKilled(t *testing.T) {
	t.Parallel()
	shared := testserver.SharedRedis(t)
	for what, do := range map[string]func(*testserver.Redis){
		"kill": func(r *testserver.Redis) { r.Kill() }, "stop": func(r *testserver.Redis) { r.Stop() }, "freeze": func(r *testserver.Redis) { r.Freeze() },
	} {
		verdict := judge(t, func(tb testing.TB) { do(testserver.SharedRedis(tb)) })
		if !strings.Contains(verdict, "fatal: testserver: "+what+" the shared Redis") {
			t.Errorf("%s: %q, want that it is forbidden", what, verdict)
		}
	}
	if err := client(t, shared.Addr()).Ping(t.Context()).Err(); err != nil {
		t.Errorf("the shared server: %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TEST_SERVERS", "")
	for ci, want := range map[string]string{
		"":     "skip: testserver: not tested on a real server: start a Redis: redis-server is not installed",
		"true": "fatal: testserver: start a Redis: redis-server is not installed",
	} {
		t.Setenv("CI", ci)
		if got := judge(t, func(tb testing.TB) { testserver.StartRedis(tb) }); got != want {
			t.Errorf("with CI=%s: %q, want %q", ci, got, want)
		}
	}
}

func TestWrongSetting(t *testing.T) {
	t.Parallel()
	testserver.SharedRedis(t) // or skip: without the program nobody reads the setting
	verdict := judge(t, func(tb testing.TB) { testserver.StartRedis(tb, "--no-such-setting", "1") })
	if !strings.Contains(verdict, "no-such-setting") {
		t.Errorf("%q, want what the server said about it", verdict)
	}
}
