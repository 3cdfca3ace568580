package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// deployment is one instance of a release, in a process of its own.
type deployment struct {
	release int
	name    string // of the instance
	cmd     *exec.Cmd
	stdout  buffer
	stderr  buffer
	done    chan struct{} // closed when it has ended
}

// buffer may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// launch starts a process of this binary. It is killed when ctx ends.
func (w *walker) launch(ctx context.Context, release int) (*deployment, error) {
	w.launched++
	d := &deployment{release: release, name: fmt.Sprintf("web-%d", w.launched), done: make(chan struct{})}
	args := []string{"-release", fmt.Sprint(release), "-db", w.address, "-bad", "0", "-quiet", w.quiet.String()}
	if release <= 2 {
		args = append(args, "-tracks", fmt.Sprint(w.tracks))
	}
	d.cmd = exec.CommandContext(ctx, w.binary, args...)
	d.cmd.Env = append(slices.Clone(w.env), "HTTP_ADDR=127.0.0.1:0", "INSTANCE="+d.name)
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start release %d: %w", release, err)
	}
	go func() { // ends with the process
		_ = d.cmd.Wait()
		close(d.done)
	}()
	return d, nil
}

var servesAt = regexp.MustCompile(`at (http://\S+)`)

// serves reports whether the instance is ready for users.
func (d *deployment) serves(ctx context.Context) bool {
	at := servesAt.FindStringSubmatch(d.stderr.String())
	if at == nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at[1]+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// ended reports whether the process is gone.
func (d *deployment) ended() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// why returns what the instance has said last: why it has ended.
func (d *deployment) why() string {
	said := d.stderr.String()
	if i := strings.Index(said, "example-app: "); i >= 0 {
		return strings.TrimSpace(strings.TrimPrefix(said[i:], "example-app: "))
	}
	return strings.TrimSpace(said)
}

// patience is how long an instance may take to start or to end.
const patience = time.Minute

// stop ends the instance as a deploy does, and returns what its users saw.
func (d *deployment) stop() (saw, error) {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !d.ended() {
		return saw{}, fmt.Errorf("stop release %d: %w", d.release, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-d.done:
	case <-timer.C:
		return saw{}, fmt.Errorf("release %d does not stop", d.release)
	}
	var s saw
	if err := json.Unmarshal([]byte(d.stdout.String()), &s); err != nil {
		return saw{}, fmt.Errorf("release %d ended badly: %s", d.release, d.why())
	}
	if s.Wrong > 0 || s.Failed > 0 {
		return s, fmt.Errorf("users of release %d: %d wrong answers, %d failed requests; for example: %s; its log: %s", d.release, s.Wrong, s.Failed, s.Example, d.stderr.String())
	}
	return s, nil
}

// kill ends the instance at once.
func (d *deployment) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// errNotRefused is a release that started although it must not.
var errNotRefused = errors.New("it was not refused")
