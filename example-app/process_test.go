package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// process is the app in a process of its own.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr safeBuffer
	done           chan struct{} // closed when it has ended
}

// safeBuffer may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// spawn starts the app with only the given variables and a free port.
func spawn(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	return spawnBinary(t, os.Getenv(binaryVariable), env, args...)
}

func spawnBinary(t *testing.T, bin string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.Env = append([]string{"HTTP_ADDR=127.0.0.1:0", "USER=tester"}, env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s\nstdout: %s\nstderr: %s", strings.Join(p.cmd.Args[1:], " "), p.stdout.String(), p.stderr.String())
		}
		if strings.Contains(p.stderr.String(), "DATA RACE") {
			t.Error("the app has a data race")
		}
	})
	return p
}

// startOn starts the app on a database.
func startOn(t *testing.T, db string, env []string, args ...string) *process {
	t.Helper()
	return spawn(t, env, append([]string{"-db", db}, args...)...)
}

// exit waits for the end and returns the code, -1 after a signal.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(50 * time.Second):
		t.Fatal("the app does not end")
		return 0
	}
}

func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %s: %v", sig, err)
	}
}

// url returns the address that the app says it serves at.
func (p *process) url(t *testing.T, path string) string {
	t.Helper()
	said := regexp.MustCompile(`at (http://\S+)`)
	eventually(t, "the app serves", func() bool { return said.MatchString(p.stderr.String()) })
	return said.FindStringSubmatch(p.stderr.String())[1] + path
}

// says waits until the app has written text to stderr.
func (p *process) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the app says %q", text), func() bool { return strings.Contains(p.stderr.String(), text) })
}

// get returns the status code and the body of an answer, which goes into out too
// when that is not nil.
func (p *process) get(t *testing.T, path string, out any) (int, string) {
	t.Helper()
	return p.send(t, http.MethodGet, path, "", out)
}

func (p *process) send(t *testing.T, method, path, body string, out any) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url(t, path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return res.StatusCode, string(answer)
}

// status returns what GET /transforms says.
func (p *process) status(t *testing.T) bgtransform.Status {
	t.Helper()
	var all []bgtransform.Status
	p.get(t, "/transforms", &all)
	if len(all) != 1 {
		t.Fatalf("GET /transforms has %d transforms, want 1", len(all))
	}
	return all[0]
}

// reaches waits until the transform is in a state.
func (p *process) reaches(t *testing.T, want bgtransform.State) {
	t.Helper()
	eventually(t, "the transform is "+string(want), func() bool { return p.status(t).State == want })
}

// moves waits until the transform has changed at least n rows.
func (p *process) moves(t *testing.T, n int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d rows are moved", n), func() bool { return p.status(t).Rows >= n })
}

// result returns the last line of stdout, which must have exactly the fields of a
// result.
func (p *process) result(t *testing.T) result {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	var fields map[string]any
	var res result
	for _, into := range []any{&fields, &res} {
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), into); err != nil {
			t.Fatalf("the last line of stdout is %q: %v", lines[len(lines)-1], err)
		}
	}
	for name := range strings.FieldsSeq("transform status rows quarantined remaining passes attempts seconds rows_per_second wrong") {
		if _, ok := fields[name]; !ok {
			t.Errorf("the result has no field %q", name)
		}
		delete(fields, name)
	}
	if len(fields) != 0 {
		t.Errorf("the result has more fields: %v", fields)
	}
	return res
}

// eventually waits until is reports true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("waited too long until %s", what)
		case <-ticker.C:
		}
	}
}

// pause lets d pass, for moments that nothing announces.
func pause(d time.Duration) { <-time.After(d) }
