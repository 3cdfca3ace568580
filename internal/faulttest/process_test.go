package faulttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come. It is far more than any
// of it takes, for machines that are busy with other things.
const patience = 90 * time.Second

// event is a line that a process has said, or, as "exit", its end.
type event struct {
	at   time.Time
	from *process
	text string
}

// is reports whether the event begins with these words.
func (e event) is(words string) bool { return e.text == words || strings.HasPrefix(e.text, words+" ") }

// process is a holder.
type process struct {
	t     testing.TB
	order order
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   string        // the name of a file
	done  chan struct{} // closed when it has ended
}

// spawn starts a process whose events go to a stage.
func spawn(t testing.TB, s *stage, o order) *process {
	t.Helper()
	text, err := json.Marshal(o)
	must(t, err)
	p := &process{t: t, order: o, log: filepath.Join(t.TempDir(), o.Name+".log"), done: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), holderVariable+"="+string(text))
	p.stdin, err = p.cmd.StdinPipe()
	must(t, err)
	stdout, err := p.cmd.StdoutPipe()
	must(t, err)
	log, err := os.Create(p.log)
	must(t, err)
	p.cmd.Stderr = log
	must(t, p.cmd.Start())
	must(t, log.Close())
	go func() { // ends with the process
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			s.happens(event{at: time.Now(), from: p, text: lines.Text()})
		}
		_ = p.cmd.Wait()
		close(p.done)
		s.happens(event{at: time.Now(), from: p, text: "exit"})
	}()
	t.Cleanup(p.end)
	return p
}

// end kills the process, and tells its story if the test failed.
func (p *process) end() {
	p.kill()
	said, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Error(err)
	}
	if strings.Contains(string(said), "DATA RACE") || strings.Contains(string(said), "panic:") {
		p.t.Errorf("%s has a data race or a panic", p.order.Name)
	}
	if p.t.Failed() {
		p.t.Logf("%s said:\n%s", p.order.Name, said[max(0, len(said)-3000):])
	}
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process like kill -9, and returns when it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *process) thaw() { p.signal(syscall.SIGCONT) }

// trap tells the process what to do to itself: see [trap].
func (p *process) trap(what string, nth int, point string) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.stdin, what, nth, point)
	if err != nil {
		select {
		case <-p.done: // it has ended meanwhile
		default:
			p.t.Fatalf("command %s: %v", p.order.Name, err)
		}
	}
}

// exit waits until the process has ended by itself, and returns its exit code.
func (p *process) exit() int {
	p.t.Helper()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-enough.C:
		p.t.Fatalf("%s does not end", p.order.Name)
		return 0
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
