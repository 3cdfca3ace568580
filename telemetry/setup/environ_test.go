package setup_test

import (
	"os"
	"strings"
	"testing"
)

// environ makes vars the only OTEL_ variables. Tests that call it cannot run in
// parallel, since the environment belongs to the process.
func environ(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}
