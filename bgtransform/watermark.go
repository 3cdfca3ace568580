package bgtransform

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Watermark tells by two columns of each row whether it is done: a row is
// pending while Done is NULL or before Changed, and the transform sets Done to
// the value of Changed that it has read. So a row that the app changes again is
// done again, and one that it changes meanwhile is not taken for done.
//
// It is a mark for each row, not one for the table: the app's clocks differ, and
// a change is often committed after a later one, so no single moment is known
// before which everything is done.
type Watermark struct {
	Changed string // a column that the app sets with every change: a time, or a number that rises
	Done    string // a column of the same type, for the transform alone
}

func (w Watermark) used() bool { return w != Watermark{} }

// check looks at the names, and at the model's fields.
func (w Watermark) check(t *table) error {
	if !w.used() {
		return nil
	}
	if w.Changed == "" || w.Done == "" || w.Changed == w.Done {
		return errors.New("Watermark wants two columns: Changed, which the app sets, and Done, which the transform sets")
	}
	changed, err := t.field("Watermark.Changed", w.Changed)
	if err != nil {
		return err
	}
	done, err := t.field("Watermark.Done", w.Done)
	if err != nil {
		return err
	}
	if changed.IndirectType != done.IndirectType {
		return fmt.Errorf("Watermark: column %q is a %s and %q a %s; want two of the same type", w.Changed, changed.IndirectType, w.Done, done.IndirectType)
	}
	return nil
}

// mark returns the column that the transform sets; nil without a watermark.
func (w Watermark) mark(t *table) *schema.Field { return t.FieldMap[w.Done] }

// condition is true for rows whose last change is not done.
func (w Watermark) condition(t *table) string {
	changed, done := string(t.FieldMap[w.Changed].SQLName), string(t.FieldMap[w.Done].SQLName)
	return done + " IS NULL OR " + done + " < " + changed
}

// set is the clause that says of a row that it is done. The value is never
// carried through Go, so it is the same to the last digit. A row that was never
// changed becomes done too, or it would be pending for ever.
func (w Watermark) set(t *table) string {
	if !w.used() {
		return ""
	}
	changed, done := t.FieldMap[w.Changed], t.FieldMap[w.Done]
	never := "CURRENT_TIMESTAMP"
	switch done.IndirectType.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint, reflect.Uint64, reflect.Uint32:
		never = "0"
	default: // a time
	}
	return fmt.Sprintf("%s = COALESCE(%s.%s, %s)", done.SQLName, t.SQLAlias, changed.SQLName, never)
}

// pendingIn returns the condition of pending rows in full.
func pendingIn(db *bun.DB, t *table, pending string, args []any, w Watermark) string {
	switch {
	case pending == "" && !w.used():
		return "1 = 1" // a set of keys knows
	case pending == "":
		return w.condition(t)
	case !w.used():
		return formatSQL(db, pending, args)
	default:
		return "(" + formatSQL(db, pending, args) + ") AND (" + w.condition(t) + ")"
	}
}
