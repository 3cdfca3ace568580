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

// withDefaults returns m with the defaults of its optional fields. It shares
// no memory with m.
func (m Move[M, V]) withDefaults() Move[M, V] {
	m.OldColumns = slices.Clone(m.OldColumns)
	if m.OldSQL == "" && len(m.OldColumns) == 1 {
		m.OldSQL = "?"
	}
	return m
}

// validate returns one error that names every field which is wrong.
func (m Move[M, V]) validate() error {
	problems := slices.Concat(
		modelProblems[M](),
		nameProblems(m.Name),
		columnProblems(m.OldColumns, m.NewColumn),
		m.oldSQLProblems(),
		m.funcProblems(),
	)
	if !m.Phase.valid() {
		problems = append(problems, fmt.Sprintf("Phase is %s: valid are %s", m.Phase, validPhases()))
	}
	return moveError(m.Name, problems)
}

// oldSQLProblems leaves a missing OldSQL alone where OldColumns is at fault.
func (m Move[M, V]) oldSQLProblems() []string {
	switch {
	case len(m.OldColumns) == 0:
		return nil
	case m.OldSQL == "":
		return []string{"OldSQL is missing: it is needed to make one value of several OldColumns"}
	}
	return templateProblems(m.OldSQL, m.OldColumns)
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
	case strings.IndexFunc(name, notNameRune) >= 0:
		return []string{"Name may have lower-case letters, digits, '-', '_' and '.' only"}
	}
	return nil
}

func notNameRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

func columnProblems(old []string, next string) []string {
	var problems []string
	if len(old) == 0 {
		problems = append(problems, "OldColumns is missing")
	}
	for i, column := range old {
		switch {
		case column == "":
			problems = append(problems, fmt.Sprintf("OldColumns[%d] is empty", i))
		case slices.Contains(old[:i], column):
			problems = append(problems, fmt.Sprintf("OldColumns has %q twice", column))
		case column == next:
			problems = append(problems, fmt.Sprintf("NewColumn %q is one of OldColumns", next))
		}
	}
	if next == "" {
		problems = append(problems, "NewColumn is missing")
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
