package cobracli_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// parsed returns files of ours that are no tests.
func parsed(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pattern)))
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		must(t, err)
		files = append(files, f)
	}
	if len(files) == 0 {
		t.Fatalf("no Go file is %s", pattern)
	}
	return files
}

// text returns what a string literal says.
func text(t *testing.T, e ast.Expr) (string, bool) {
	t.Helper()
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	must(t, err)
	return s, true
}

// Whatever reason the engine comes to give, explain knows what it means.
func TestEveryReasonHasAMeaning(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, f := range parsed(t, "bgtransform/*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
				return true
			}
			code, ok := text(t, spec.Values[0])
			if !ok || code == "" {
				return true
			}
			seen++
			if !cobracli.Meant(bgtransform.ReasonCode(code)) {
				t.Errorf("meanings does not have %s", spec.Names[0].Name)
			}
			return true
		})
	}
	if seen < 30 {
		t.Errorf("found %d reasons only; where are the others?", seen)
	}
}

// mounted returns the commands as an app has them.
func mounted(t *testing.T) *cobra.Command {
	t.Helper()
	return app{db: newDatabase(t, "sqlite")}.root(new(bytes.Buffer), new(bytes.Buffer))
}

// exists fails unless words are a command of ours that takes them.
func exists(t *testing.T, root *cobra.Command, from string, words []string) {
	t.Helper()
	cmd, rest, err := root.Find(append([]string{"transforms"}, words...))
	if err != nil || cmd.Name() != words[0] {
		t.Errorf("%s names %q, which is no command", from, words)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s names %q: %v", from, words, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s names %q: %v", from, words, err)
	}
}

// A refusal of the gate names commands that there are, spelled as they are typed.
func TestCommandsOfTheGate(t *testing.T) {
	t.Parallel()
	root, seen := mounted(t), 0
	for _, f := range parsed(t, "bgtransform/gate/*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if fn, ok := call.Fun.(*ast.SelectorExpr); !ok || fn.Sel.Name != "say" {
				return true
			}
			var words []string
			for _, arg := range call.Args {
				word, ok := text(t, arg)
				if !ok {
					word = move
				}
				words = append(words, word)
			}
			seen++
			exists(t, root, "the gate", words)
			return true
		})
	}
	if seen < 10 {
		t.Errorf("found %d commands only; where are the others?", seen)
	}
}

// So does an explanation, for every reason and state.
func TestCommandsOfExplanations(t *testing.T) {
	t.Parallel()
	root, seen := mounted(t), 0
	for _, f := range append(parsed(t, "adapters/cobracli/advice.go"), parsed(t, "adapters/cobracli/meanings.go")...) {
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 2 {
				return true
			}
			if name, ok := lit.Type.(*ast.Ident); lit.Type != nil && (!ok || name.Name != "step") {
				return true
			}
			words, ok := text(t, lit.Elts[0])
			if _, does := text(t, lit.Elts[1]); !ok || !does {
				return true
			}
			seen++
			exists(t, root, "an explanation", strings.Fields(strings.ReplaceAll(words, "NAME", move)))
			return true
		})
	}
	if seen < 30 {
		t.Errorf("found %d commands only; where are the others?", seen)
	}
}
