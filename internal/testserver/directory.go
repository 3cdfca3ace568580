package testserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// janitor removes the directory $1 when its standard input ends: because it was
// closed, or because the process at the other end is gone. A server that lost that
// process too may still be writing on its way out, so it tries for ten seconds.
const janitor = `read -r _
tries=0
until rm -rf -- "$1" || [ "$tries" -eq 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done 2>/dev/null`

// directory is a temporary directory that goes away with this process, however
// that ends.
type directory struct {
	path    string
	hold    *os.File // the janitor's standard input
	janitor *exec.Cmd
}

// newDirectory makes a directory that every user may pass through, because some
// servers do not run as root.
func newDirectory() (*directory, error) {
	path, err := os.MkdirTemp("", "testserver-")
	if err != nil {
		return nil, err
	}
	d := &directory{path: path}
	if err := d.hire(); err != nil {
		return nil, fmt.Errorf("watch over %s: %w", path, err)
	}
	return d, os.Chmod(path, 0o711)
}

// hire starts the janitor, in a process group of its own: it has to outlive a
// Ctrl-C.
func (d *directory) hire() error {
	end, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = end.Close() }()
	d.hold = hold
	d.janitor = exec.CommandContext(context.Background(), "/bin/sh", "-c", janitor, "sh", d.path)
	d.janitor.Dir = os.TempDir()
	d.janitor.Stdin = end
	d.janitor.SysProcAttr = ownGroup()
	return d.janitor.Start()
}

// file returns the path of what is called name in the directory.
func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// remove ends the directory. What counts is whether it is gone, not what the
// janitor says.
func (d *directory) remove() error {
	_ = d.hold.Close()
	_ = d.janitor.Wait()
	return os.RemoveAll(d.path)
}
