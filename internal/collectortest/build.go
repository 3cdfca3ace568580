package collectortest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// buildLimit is far more than the build takes, modules to be downloaded included.
const buildLimit = 8 * time.Minute

// build returns the path of the receiver's program.
func build(t testing.TB) string {
	t.Helper()
	if os.Getenv("TEST_SERVERS") == "none" {
		unavailable(t, "TEST_SERVERS=none")
	}
	ctx, cancel := context.WithTimeout(t.Context(), buildLimit)
	defer cancel()
	root, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		t.Fatalf("collectortest: find the module: %v", err)
	}
	source := filepath.Join(root, "internal", "collectortest", "receiver")
	program := filepath.Join(t.TempDir(), "receiver")
	if _, err := output(ctx, "go", "build", "-C", source, "-o", program, "."); err != nil {
		unavailable(t, err)
	}
	return program
}

// unavailable skips a test that has no receiver, unless CI=true: what a CI does not run,
// nobody runs.
func unavailable(t testing.TB, why any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("collectortest: build the Collector's receiver: %v", why)
	}
	t.Skipf("collectortest: not tested against a real receiver, which cannot be built here: %v", why)
}

// output returns what a command prints. What it says of an error is part of the error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, stderr.Bytes())
	}
	return string(bytes.TrimSpace(out)), nil
}
