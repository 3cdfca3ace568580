package testserver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// process is a program that runs, or has run, with all that it forked.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read it after done only
}

// startProcess starts a program. The kernel sends the signal of attributes when
// the thread ends that started it, not the process: so that thread waits for the
// program, and the Go scheduler may not have it for anything else. Its goroutine
// ends when the program does.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits for the end of the process.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %d has not ended: %w", p.pid(), context.Cause(ctx))
	}
}

// stop asks the process to end and waits until it has, frozen or not. Should it
// take too long, stop kills it and returns an error.
func (p *process) stop(ctx context.Context, s syscall.Signal) error {
	if p.ended() {
		return nil
	}
	if err := errors.Join(send(p.pid(), s), p.thaw()); err != nil {
		return err
	}
	if err := p.wait(ctx); err != nil {
		return errors.Join(err, patiently(p.kill))
	}
	return nil
}

// freeze stops the process and all its descendants. They have stopped, every one
// of them, when it returns.
func (p *process) freeze(ctx context.Context) error {
	_, err := frozen(ctx, p.pid())
	return err
}

// Freeze stops a process that a test has started itself, with all its descendants,
// from running. They have stopped when it returns: a signal alone is on its way for
// as long as the machine is busy. SIGCONT lets each of them go on.
func Freeze(t testing.TB, pid int) {
	t.Helper()
	must(t, fmt.Sprintf("freeze process %d", pid), patiently(func(ctx context.Context) error {
		_, err := frozen(ctx, pid)
		return err
	}))
}

// frozen freezes and returns who there is. Looking again after everyone has been
// sent the signal finds those who were forked meanwhile.
func frozen(ctx context.Context, pid int) ([]task, error) {
	var family []task
	err := until(ctx, func(context.Context) error {
		var err error
		if family, err = descent(pid); err != nil {
			return err
		}
		running := 0
		for _, f := range family {
			if f.runs() {
				running++
				err = errors.Join(err, send(f.pid, signalFreeze))
			}
		}
		if running > 0 {
			return errors.Join(err, fmt.Errorf("%d processes are not frozen yet", running))
		}
		return err
	})
	return family, err
}

// thaw lets the process and all its descendants go on.
func (p *process) thaw() error {
	family, err := descent(p.pid())
	for _, f := range family {
		err = errors.Join(err, send(f.pid, signalThaw))
	}
	return err
}

// kill ends the process and all its descendants without warning, and waits until
// they are gone. They are frozen first: none of them sees another one die, and the
// memory and files that they share are as a crash of the machine leaves them.
func (p *process) kill(ctx context.Context) error {
	if p.ended() {
		return nil
	}
	family, err := frozen(ctx, p.pid())
	for _, f := range family {
		err = errors.Join(err, send(f.pid, syscall.SIGKILL))
	}
	if err := errors.Join(err, p.wait(ctx)); err != nil {
		return err
	}
	return until(ctx, func(context.Context) error { return gone(family) })
}
