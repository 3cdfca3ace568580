package testserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// run runs a program to its end, in a directory and as an account. What it said is
// part of the error.
func run(in *directory, as *account, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = in.path
	cmd.Env = environment()
	cmd.SysProcAttr = attributes(as, syscall.SIGKILL)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, p.err, said.Bytes())
	}
	return nil
}

// environment is what programs see of ours: none of the variables that would change
// their settings, and messages in English.
func environment() []string { return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"} }
