package dualread

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// maxName keeps a name short enough for a metric attribute, an environment
// variable and an indexed column in every database.
const maxName = 100

// validate returns one error that names every field which is wrong.
func (m Move[M, V]) validate() error {
	problems := slices.Concat(
		modelProblems[M](),
		nameProblems(m.Name),
		columnProblems(m.OldColumns, m.NewColumns, m.NewRelation != ""),
		m.sqlProblems(),
		m.funcProblems(),
		m.Compare.problems(),
	)
	if !m.Phase.valid() {
		problems = append(problems, fmt.Sprintf("Phase is %s: valid are %s", m.Phase, validPhases()))
	}
	if m.Wins > NewSide {
		problems = append(problems, fmt.Sprintf("Wins is Side(%d): valid are Neither, OldSide and NewSide", m.Wins))
	}
	return moveError(m.Name, problems)
}

// sqlProblems leaves alone what has no columns to be about.
func (m Move[M, V]) sqlProblems() []string {
	var problems []string
	if len(m.OldColumns) > 0 {
		problems = append(problems, expressionProblems("Forward", m.Forward, "NewColumns", m.NewColumns, "OldColumns", m.OldColumns)...)
		if m.HasOld != "" {
			_, wrong := templateProblems("HasOld", m.HasOld, "OldColumns", len(m.OldColumns))
			problems = append(problems, wrong...)
		}
	}
	if len(m.NewColumns) > 0 {
		problems = append(problems, expressionProblems("Backward", m.Backward, "OldColumns", m.OldColumns, "NewColumns", m.NewColumns)...)
	}
	return problems
}

// funcProblems names the required functions that are missing.
func (m Move[M, V]) funcProblems() []string {
	var problems []string
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Old", m.Old == nil},
		{"New", m.New == nil},
		{"SetOld", m.SetOld == nil},
		{"SetNew", m.SetNew == nil},
	} {
		if f.missing {
			problems = append(problems, f.name+" is missing")
		}
	}
	return problems
}

// modelProblems refuses an M that bun would panic on.
func modelProblems[M any]() []string {
	if t := reflect.TypeFor[M](); t.Kind() != reflect.Struct {
		return []string{fmt.Sprintf("M is %s: it must be a struct, the bun model itself and not a pointer to it", t)}
	}
	return nil
}

func nameProblems(name string) []string {
	switch {
	case name == "":
		return []string{"Name is missing"}
	case len(name) > maxName:
		return []string{fmt.Sprintf("Name has %d characters: it may have up to %d", len(name), maxName)}
	case strings.IndexFunc(name, notNameRune) >= 0, strings.ContainsRune("-_.", rune(name[0])):
		return []string{"Name may have lower-case letters, digits, '-', '_' and '.' only, and begins with a letter or digit"}
	}
	return nil
}

func notNameRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

func columnProblems(old, next []string, elsewhere bool) []string {
	problems := append(listProblems("OldColumns", old), listProblems("NewColumns", next)...)
	for i, column := range next {
		if column != "" && !elsewhere && slices.Contains(old, column) {
			problems = append(problems, fmt.Sprintf("NewColumns[%d] %q is one of OldColumns", i, column))
		}
	}
	return problems
}

func listProblems(field string, columns []string) []string {
	var problems []string
	if len(columns) == 0 {
		problems = append(problems, field+" is missing")
	}
	for i, column := range columns {
		switch {
		case column == "":
			problems = append(problems, fmt.Sprintf("%s[%d] is empty", field, i))
		case slices.Contains(columns[:i], column):
			problems = append(problems, fmt.Sprintf("%s has %q twice", field, column))
		}
	}
	return problems
}

// moveError joins problems into one line about the named move, or returns nil
// when there are none.
func moveError(name string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("dualread: move %q: %s", name, strings.Join(problems, "; "))
}
