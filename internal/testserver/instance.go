package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// kind is how servers of one kind are run.
type kind struct {
	// name of the server in messages.
	name string

	// command returns program and arguments. The working directory is the
	// instance's.
	command func(*instance) []string

	// answers returns nil when this very instance answers: another one may listen
	// on the port.
	answers func(context.Context, *instance) error

	// stop is the signal for an orderly end, quit the one for an end at once that
	// leaves nothing behind. A server gets the latter also when the test dies.
	stop, quit syscall.Signal

	// tidy, if not nil, removes what a server that was killed left behind outside
	// of its directory.
	tidy func(*instance) error

	// as is whom it runs as: nil is the user of the test.
	as *account
}

// instance is one server: a port, a directory, and at times a process. Its methods
// may be called side by side.
type instance struct {
	kind kind
	dir  *directory
	port port

	mu      sync.Mutex
	process *process // nil before the first start
}

// launch starts a server in dir, which it takes over also when it fails.
func launch(k kind, dir *directory) (*instance, error) {
	var in *instance
	err := withPort(func(p port) error {
		in = &instance{kind: k, dir: dir, port: p}
		return in.start()
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", k.name, err), dir.remove())
	}
	return in, nil
}

// start starts the server and waits until it answers.
func (in *instance) start() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.up() {
		return fmt.Errorf("%s runs already", in.kind.name)
	}
	log, err := os.Create(in.log())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := in.kind.command(in)
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Dir = in.dir.path
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log // a file: nobody has to copy, nor to wait for who else holds it
	cmd.SysProcAttr = attributes(in.kind.as, in.kind.quit)
	if in.process, err = startProcess(cmd); err != nil {
		in.process = nil
		return err
	}
	if err := in.waitUntilItAnswers(); err != nil {
		return errors.Join(err, patiently(in.process.kill))
	}
	return nil
}

func (in *instance) waitUntilItAnswers() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("it does not answer"))
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	err := until(ctx, func(ctx context.Context) error {
		if in.process.ended() {
			giveUp(errors.New("it has ended"))
			return fmt.Errorf("%s", in.process.cmd.ProcessState)
		}
		return in.kind.answers(ctx, in)
	})
	if err == nil {
		return nil
	}
	said := in.lastWords()
	if bytes.Contains(said, []byte("ddress already in use")) {
		return errPortTaken
	}
	return fmt.Errorf("%w\n%s", err, said)
}

// log returns the name of the file with what the server said since its last start.
func (in *instance) log() string { return in.dir.file("log") }

// lastWords returns the end of the log.
func (in *instance) lastWords() []byte {
	said, err := os.ReadFile(in.log())
	if err != nil {
		return []byte(err.Error())
	}
	return said[max(0, len(said)-2000):]
}

// up reports whether the process runs. The caller holds the lock.
func (in *instance) up() bool { return in.process != nil && !in.process.ended() }

// alive is up for callers that do not hold the lock.
func (in *instance) alive() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.up()
}

// pid returns the process id of the server, which runs or is being started.
func (in *instance) pid() int { return in.process.pid() }

// running calls do with the process, or returns an error if the server is down.
func (in *instance) running(do func(*process) error) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.up() {
		return fmt.Errorf("%s is down", in.kind.name)
	}
	return do(in.process)
}

// kill ends the server as a crash of the machine would; nothing if it is down.
func (in *instance) kill() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.up() {
		return nil
	}
	return patiently(in.process.kill)
}

// close ends the server for good. Closing nil does nothing.
func (in *instance) close() error {
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var err error
	switch {
	case !in.up():
	case in.kind.quit == syscall.SIGKILL:
		err = patiently(in.process.kill)
	default:
		err = in.halt(in.kind.quit)
	}
	if in.kind.tidy != nil {
		err = errors.Join(err, in.kind.tidy(in))
	}
	return errors.Join(err, in.dir.remove(), in.port.release())
}

// halt sends a signal and waits for the end. The caller holds the lock.
func (in *instance) halt(s syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return in.process.stop(ctx, s)
}
