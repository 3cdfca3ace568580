// Package readme holds the test that the README's program compiles.
package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// The program in the README is what a newcomer copies first.
func TestProgramCompiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```go\npackage catalogue")
	program, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README has no Go program")
	}
	file := filepath.Join(t.TempDir(), "catalogue.go")
	if err := os.WriteFile(file, []byte("package catalogue"+program), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "vet", file)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("the README's program does not compile: %v\n%s", err, out)
	}
}
