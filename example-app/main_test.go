package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// childVariable makes the test binary be the app itself.
const childVariable = "EXAMPLE_APP_TEST_CHILD"

// binaryVariable holds the path of the app that the tests start.
const binaryVariable = "EXAMPLE_APP_TEST_BINARY"

// TestMain builds the app once, so that tests can start, kill and freeze real
// processes of it. It is built without the race detector, which makes SQLite in Go
// a hundred times slower; TestRaces runs the test binary, which may have it.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "example-app")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "example-app")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryVariable, bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return testserver.Main(m)
}
