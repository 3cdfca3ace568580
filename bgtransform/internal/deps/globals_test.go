package deps_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// constants are the package-level variables that nobody changes, though the
// language cannot say so: each with the reason why it is one.
func constants() map[string]string {
	return map[string]string{
		"bgtransform.transitions":     "the table of legal transitions, as a literal",
		"internal/testserver.current": "TestMain knows when the tests have ended, and hands nothing to them",
	}
}

// sentinel is how the variables of errors are named.
var sentinel = regexp.MustCompile(`^(err|Err)[A-Z]`)

func TestNoPackageKeepsState(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range listModule(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range globals(parsed) {
				full := name + "." + g
				if _, allowed := constants()[full]; allowed {
					used[full] = true
					continue
				}
				t.Errorf("%s in %s: a package has no state and no init; pass values in, or list it in constants with a reason", full, file)
			}
		}
	}
	for full := range constants() {
		if !used[full] {
			t.Errorf("constants lists %s, which is not there any more", full)
		}
	}
}

// globals returns the names of a file's init functions and of its variables
// other than error sentinels, assertions, compiled expressions and embedded files.
func globals(file *ast.File) []string {
	var found []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				found = append(found, "init")
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR || embedded(d.Doc) {
				continue
			}
			for _, spec := range d.Specs {
				found = append(found, variables(spec.(*ast.ValueSpec))...)
			}
		}
	}
	return found
}

func variables(spec *ast.ValueSpec) []string {
	if embedded(spec.Doc) {
		return nil
	}
	var found []string
	for i, name := range spec.Names {
		hasValue := i < len(spec.Values)
		if name.Name == "_" || hasValue && (sentinel.MatchString(name.Name) || compiled(spec.Values[i])) {
			continue
		}
		found = append(found, name.Name)
	}
	return found
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// compiled reports whether a value is regexp.MustCompile of something.
func compiled(value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	return ok && fmt.Sprint(fn.X) == "regexp" && fn.Sel.Name == "MustCompile"
}

func TestStateIsFound(t *testing.T) {
	t.Parallel()
	const source = `package p

import "sync"

var ErrGone = errors.New("gone")
var _ fmt.Stringer = T{}
var name = regexp.MustCompile("^a$")
//go:embed x.lua
var script string
var (
	errA, errB = errors.New("a"), errors.New("b")
	//go:embed y.lua
	other string
	mu sync.Mutex
	cache = map[string]int{}
	errLast error
	errors = 0
)
var registry, _ = New()
var once = sync.OnceValue(f)

func init() {}
func (T) init() {}
func f() { var local int; _ = local }
`
	parsed, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"mu", "cache", "errLast", "errors", "registry", "once", "init"}
	if diff := cmp.Diff(want, globals(parsed)); diff != "" {
		t.Errorf("what is found (-want +got):\n%s", diff)
	}
}
