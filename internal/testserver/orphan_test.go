package testserver_test

import (
	"bufio"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// childTest names the test that a child process runs, to be killed.
const childTest = "TESTSERVER_CHILD"

// TestChild is what TestNoOrphans runs: servers, and a frozen one of each kind.
func TestChild(t *testing.T) {
	if os.Getenv(childTest) == "" {
		t.Skip("runs in a process of its own")
	}
	pg, maria, rdb := testserver.StartPostgres(t), testserver.StartMariaDB(t), testserver.StartRedis(t)
	testserver.SharedPostgres(t).Database(t)
	frozen := testserver.StartPostgres(t)
	frozen.Freeze()
	frozenRedis := testserver.StartRedis(t)
	frozenRedis.Freeze()
	for _, addr := range []string{pg.Addr(), maria.Addr(), rdb.Addr(), frozen.Addr(), frozenRedis.Addr()} {
		if _, err := os.Stdout.WriteString("up " + addr + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = os.Stdout.WriteString("ready\n")
	<-t.Context().Done() // until it is killed
}

// TestNoOrphans kills a test process that has servers.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	testserver.SharedPostgres(t) // skips where the child would
	testserver.SharedMariaDB(t)
	dir := openDir(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v")
	child.Env = append(os.Environ(), childTest+"=1", "TMPDIR="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Wait() })
	said := bufio.NewScanner(out)
	servers := 0
	for said.Scan() && said.Text() != "ready" {
		t.Log(said.Text())
		if strings.HasPrefix(said.Text(), "up ") {
			servers++
		}
	}
	if servers != 5 {
		t.Fatalf("the child has started %d servers, want 5", servers)
	}
	if n := len(commandsIn(t, dir)); n < 2*6 {
		t.Fatalf("the child has %d processes, want one and a janitor for each server at least", n)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { return strings.Join(commandsIn(t, dir), "\n") })
	eventually(t, func() string { return strings.Join(filesIn(t, dir), "\n") })
}

// openDir is a t.TempDir that other users may pass through.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// commandsIn returns the processes, no zombies, whose command line names a
// directory or that work in it.
func commandsIn(t *testing.T, dir string) []string {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("there is no /proc, and no way to see a child die with its parent")
	}
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		line, _ := os.ReadFile(name + "/cmdline") // empty if it has ended meanwhile
		cwd, _ := os.Readlink(name + "/cwd")
		if strings.Contains(string(line), dir) || strings.HasPrefix(cwd, dir) {
			found = append(found, filepath.Base(name)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir && err == nil {
			found = append(found, path)
		}
		return nil // what is being removed may be gone by now
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// eventually waits until nothing is left.
func eventually(t *testing.T, left func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		what := left()
		if what == "" {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("still there:\n%s", what)
		}
	}
}
