// Package readme holds the test that the README's programs compile.
package readme

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// The programs in the README are what a newcomer copies first.
func TestProgramsCompile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"catalogue", "main"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, rest, found := strings.Cut(string(text), "```go\npackage "+name+"\n")
			program, _, closed := strings.Cut(rest, "```")
			if !found || !closed {
				t.Fatalf("the README has no Go program of package %s", name)
			}
			file := filepath.Join(t.TempDir(), name+".go")
			if err := os.WriteFile(file, []byte("package "+name+"\n"+program), 0o600); err != nil {
				t.Fatal(err)
			}
			build := exec.CommandContext(t.Context(), "go", "vet", file)
			build.Dir = root
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("the README's program does not compile: %v\n%s", err, out)
			}
		})
	}
}
