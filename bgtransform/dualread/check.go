package dualread

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Check compares the move with the bun model M as db sees it, and so finds a
// column that is misspelt, or one that bun would silently leave out of a
// dual write. Call it where the service starts, or in a test. It sends
// nothing to the database and does not compare the model with the table.
//
// The error names every wrong column, and those that the model has.
func (c *Column[M, V]) Check(db bun.IDB) error {
	rel, err := c.Relation(db)
	if err != nil {
		return err
	}
	table := db.Dialect().Tables().Get(reflect.TypeFor[M]())
	other := table
	if rel != nil {
		other = rel.JoinTable
	}
	problems := columnsProblems(table, c.move.OldColumns, false)
	problems = append(problems, columnsProblems(other, c.move.NewColumns, true)...)
	if len(problems) > 0 {
		problems = append(problems, fmt.Sprintf("model %s has %s", table.TypeName, columnNames(table)))
		if other != table {
			problems = append(problems, fmt.Sprintf("model %s has %s", other.TypeName, columnNames(other)))
		}
	}
	return moveError(c.move.Name, problems)
}

// columnsProblems says why a dual write cannot save some columns.
func columnsProblems(table *schema.Table, names []string, nullable bool) []string {
	var problems []string
	for _, name := range names {
		problem := fieldProblem(table, name)
		if problem == "" && nullable && !holdsNull(table.FieldMap[name]) {
			problem = "cannot be null in the model, which says of a row that it is not moved: make its field a pointer, or tag it nullzero"
		}
		if problem != "" {
			problems = append(problems, fmt.Sprintf("column %q %s", name, problem))
		}
	}
	return problems
}

// fieldProblem says why a dual write cannot save the named column, or nothing.
func fieldProblem(table *schema.Table, name string) string {
	field, ok := table.FieldMap[name]
	switch {
	case !ok || field.Name != name: // FieldMap has alternative names, too
		return "is not in the model"
	case field.IsPK:
		return "is in the primary key, which bun leaves out of updates"
	case field.Tag.HasOption("scanonly"):
		return `is tagged "scanonly", so bun leaves it out of inserts`
	case field.SkipUpdate():
		return `is tagged "skipupdate", so bun leaves it out of updates`
	}
	return ""
}

// holdsNull reports whether a value of the field may be saved as a null.
func holdsNull(field *schema.Field) bool {
	switch field.StructField.Type.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	default:
		return field.NullZero || field.StructField.Type.Implements(reflect.TypeFor[driver.Valuer]())
	}
}

// columnNames lists the table's columns as the model orders them.
func columnNames(table *schema.Table) string {
	names := make([]string, 0, len(table.Fields))
	for _, field := range table.Fields {
		names = append(names, field.Name)
	}
	return strings.Join(names, ", ")
}
