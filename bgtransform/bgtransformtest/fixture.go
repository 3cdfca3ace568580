package bgtransformtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/uptrace/bun"
)

// Fixture fills an empty database with the tables and rows that a test begins
// with. It is called once for each helper of this package; several runs begin
// with copies of what it made. [Rows] makes one of bun models; write one by
// hand for a schema that models do not describe, such as foreign keys.
type Fixture func(ctx context.Context, db *bun.DB) error

// Rows returns the fixture that creates the tables of bun models and inserts
// the models given, in their order. A model is a struct, a pointer to one, or
// a slice of them; a nil pointer or an empty slice makes the table alone. The
// models are copied: nothing is written back to them.
func Rows(models ...any) Fixture {
	return func(ctx context.Context, db *bun.DB) error {
		var all tableRows
		for _, m := range models {
			if m == nil {
				return errors.New("Rows was given a nil; want a bun model")
			}
			if err := all.add(reflect.ValueOf(m)); err != nil {
				return err
			}
		}
		for _, group := range all {
			if err := insert(ctx, db, group); err != nil {
				return err
			}
		}
		return nil
	}
}

// tableRows holds a slice of models for each of their types, in the order in
// which the types came up.
type tableRows []reflect.Value

func (r *tableRows) add(v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			return r.table(v.Type().Elem())
		}
		for i := range v.Len() {
			if err := r.add(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case v.Kind() == reflect.Pointer && v.IsNil():
		return r.table(v.Type())
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface:
		return r.add(v.Elem())
	}
	if err := r.table(v.Type()); err != nil {
		return err
	}
	for i, group := range *r {
		if group.Type().Elem() == v.Type() {
			(*r)[i] = reflect.Append(group, v)
		}
	}
	return nil
}

// table makes sure that there is a slice for a model's type.
func (r *tableRows) table(model reflect.Type) error {
	for model.Kind() == reflect.Pointer {
		model = model.Elem()
	}
	if model.Kind() != reflect.Struct {
		return fmt.Errorf("Rows was given a value of type %s; want a bun model, which is a struct", model)
	}
	for _, group := range *r {
		if group.Type().Elem() == model {
			return nil
		}
	}
	*r = append(*r, reflect.MakeSlice(reflect.SliceOf(model), 0, 0))
	return nil
}

// insertRows keeps an INSERT below SQLite's limit on the length of a statement.
const insertRows = 500

func insert(ctx context.Context, db *bun.DB, group reflect.Value) error {
	model := group.Type().Elem()
	if _, err := db.NewCreateTable().Model(reflect.Zero(reflect.PointerTo(model)).Interface()).Exec(ctx); err != nil {
		return fmt.Errorf("create the table of %s: %w", model, err)
	}
	for from := 0; from < group.Len(); from += insertRows {
		chunk := group.Slice(from, min(from+insertRows, group.Len()))
		// A copy, because bun writes generated keys back.
		rows := reflect.New(group.Type())
		rows.Elem().Set(reflect.AppendSlice(reflect.MakeSlice(group.Type(), 0, chunk.Len()), chunk))
		if _, err := db.NewInsert().Model(rows.Interface()).Exec(ctx); err != nil {
			return fmt.Errorf("insert rows of %s: %w", model, err)
		}
	}
	return nil
}
