package deps_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pkg is a package as go list describes it.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string // all that it imports, directly or not
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, v := range violations(listModule(t)) {
		t.Error(v)
	}
}

// violations returns a line for each import that the rules forbid.
func violations(pkgs []pkg) []string {
	var found []string
	for _, p := range pkgs {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		r, known := ruleFor(name)
		if !known {
			found = append(found, fmt.Sprintf("%s: no rule says what it may import; add one to rules", name))
		}
		for _, imported := range p.Imports {
			if known && !r.allows(imported) {
				found = append(found, fmt.Sprintf("%s: may not import %s", name, imported))
			}
		}
		for _, dep := range p.Deps {
			if !forTests(name) && testCode(dep) {
				found = append(found, fmt.Sprintf("%s: brings %s, which is for tests, into an app's binary", name, dep))
			}
			if light(name) && heavy(dep) {
				found = append(found, fmt.Sprintf("%s: brings %s into every app", name, dep))
			}
		}
	}
	return found
}

func (r rule) allows(imported string) bool {
	if name, ours := strings.CutPrefix(imported, module+"/"); ours {
		return slices.Contains(r.ours, name) || slices.Contains(r.ours, "")
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	in := func(root string) bool { return under(imported, root) }
	return slices.ContainsFunc(r.theirs, in) && !slices.ContainsFunc(r.never, in)
}

// The check itself must see what it is there to see.
func TestForbiddenImportsAreFound(t *testing.T) {
	t.Parallel()
	fake := func(name string, imports ...string) pkg {
		return pkg{ImportPath: module + "/" + name, Imports: imports, Deps: imports}
	}
	for sentence, test := range map[string]struct {
		pkg  pkg
		want []string
	}{
		"a leaf on the standard library": {pkg: fake("bgtransform/lease", "context", "net/http")},
		"window on cron":                 {pkg: fake("bgtransform/window", cron)},
		"the engine on bun and leaves":   {pkg: fake("bgtransform", bun, bun+"/schema", module+"/bgtransform/window")},
		"telemetry on the API":           {pkg: fake("telemetry", otel, otel+"/trace", module+"/bgtransform")},
		"setup on the SDK":               {pkg: fake("telemetry/setup", otel+"/sdk/trace", otelOther+"/exporters/autoexport")},
		"the example on everything":      {pkg: fake("example-app", sqlite, otel+"/sdk", module+"/adapters/embedded")},
		"a test package on testing":      {pkg: fake("bgtransform/lease/leasetest", "testing", module+"/bgtransform/lease")},

		"a leaf on another leaf": {
			fake("bgtransform/throttle", module+"/bgtransform/lease"),
			[]string{"bgtransform/throttle: may not import github.com/bgtransform/sidecar/bgtransform/lease"},
		},
		"a leaf on a third party": {
			fake("bgtransform/lease", bun), []string{"bgtransform/lease: may not import github.com/uptrace/bun"},
		},
		"a leaf on the engine": {
			fake("bgtransform/dualread", module+"/bgtransform"),
			[]string{"bgtransform/dualread: may not import github.com/bgtransform/sidecar/bgtransform"},
		},
		"the engine on cron itself": {
			fake("bgtransform", cron), []string{"bgtransform: may not import github.com/robfig/cron/v3"},
		},
		"the engine on Redis": {
			fake("bgtransform", goRedis),
			[]string{"bgtransform: may not import github.com/redis/go-redis/v9", "bgtransform: brings github.com/redis/go-redis/v9 into every app"},
		},
		"the engine on telemetry by a detour": {
			pkg{ImportPath: module + "/bgtransform/store", Deps: []string{otel + "/trace"}},
			[]string{"bgtransform/store: brings go.opentelemetry.io/otel/trace into every app"},
		},
		"a driver by a detour": {
			pkg{ImportPath: module + "/bgtransform", Deps: []string{sqlite}},
			[]string{"bgtransform: brings modernc.org/sqlite into every app"},
		},
		"the engine on cobra": {
			fake("bgtransform/gate", cobra),
			[]string{"bgtransform/gate: may not import github.com/spf13/cobra", "bgtransform/gate: brings github.com/spf13/cobra into every app"},
		},
		"telemetry on cobra": {fake("telemetry", cobra), []string{"telemetry: may not import github.com/spf13/cobra"}},
		"an adapter on the engine": {
			fake("adapters/redislease", module+"/bgtransform"),
			[]string{"adapters/redislease: may not import github.com/bgtransform/sidecar/bgtransform"},
		},
		"an adapter on a second client": {
			fake("adapters/redislease", miniredis), []string{"adapters/redislease: may not import github.com/alicebob/miniredis/v2"},
		},
		"telemetry on the SDK": {
			fake("telemetry", otel+"/sdk/metric"), []string{"telemetry: may not import go.opentelemetry.io/otel/sdk/metric"},
		},
		"test code in a binary": {
			pkg{ImportPath: module + "/example-app", Deps: []string{"testing", module + "/bgtransform/lease/leasetest"}},
			[]string{
				"example-app: brings testing, which is for tests, into an app's binary",
				"example-app: brings github.com/bgtransform/sidecar/bgtransform/lease/leasetest, which is for tests, into an app's binary",
			},
		},
		"a package that nobody has thought of": {
			fake("adapters/new"), []string{"adapters/new: no rule says what it may import; add one to rules"},
		},
	} {
		if diff := cmp.Diff(test.want, violations([]pkg{test.pkg})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sentence, diff)
		}
	}
}

// listModule returns the module's packages, without their tests.
func listModule(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", module+"/...")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		if len(p.GoFiles) > 0 {
			pkgs = append(pkgs, p)
		}
	}
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages only", len(pkgs))
	}
	return pkgs
}
