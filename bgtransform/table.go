package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// table is a model's table, with what both ready-made kinds need of it.
type table struct {
	*schema.Table
	d    *dialect.Dialect
	from string // quoted, with its alias

	// What inspect has found in the database.
	cols map[string]dialect.Column // by the name of the model's column
	walk keyset.Walk
}

// tableOf returns the table of a model. It does no I/O.
func tableOf(db *bun.DB, model reflect.Type) (*table, error) {
	if model.Kind() != reflect.Struct {
		return nil, fmt.Errorf("model %s is not a struct", model)
	}
	d, err := dialect.For(db)
	if err != nil {
		return nil, err
	}
	t := &table{Table: db.Table(model), d: d}
	if len(t.PKs) == 0 {
		return nil, fmt.Errorf("model %s has no primary key; mark its key with `bun:\",pk\"`: rows are walked in its order", model)
	}
	t.from = string(t.SQLName) + " AS " + string(t.SQLAlias)
	return t, nil
}

// field returns a column of the model, or an error that lists those there are.
func (t *table) field(use, column string) (*schema.Field, error) {
	if f, ok := t.FieldMap[column]; ok {
		return f, nil
	}
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return nil, fmt.Errorf("%s: model %s has no column %q; it has %s", use, t.TypeName, column, strings.Join(names, ", "))
}

// written returns columns of the model that a transform may write.
func (t *table) written(names []string) ([]*schema.Field, error) {
	var fields []*schema.Field
	var errs []error
	for _, name := range names {
		f, err := t.field("Writes", name)
		if err == nil && slices.Contains(t.PKs, f) {
			err = fmt.Errorf("Writes: %q is part of the primary key, which a transform may not change", name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fields = append(fields, f)
	}
	return fields, errors.Join(errs...)
}

// inspect compares the model with the table in the database, where the key
// must be the primary key to the letter: the walk and the writes rely on it.
func (t *table) inspect(ctx context.Context, db bun.IDB, used []string) error {
	cols, err := t.d.Columns(ctx, db, t.named())
	if refused, ok := errors.AsType[*dialect.RefusedError](err); ok {
		return &schemaError{fmt.Sprintf("table %q cannot be walked: %s", t.Name, refused.Text)}
	}
	if err != nil {
		return fmt.Errorf("inspect table %q: %w", t.Name, err)
	}
	if len(cols) == 0 {
		return &schemaError{fmt.Sprintf("table %q does not exist", t.Name)}
	}
	var key []string
	for _, c := range slices.SortedFunc(slices.Values(cols), func(a, b dialect.Column) int { return a.PK - b.PK }) {
		if c.PK > 0 {
			key = append(key, c.Name)
		}
	}
	if len(key) == 0 {
		return &schemaError{fmt.Sprintf("table %q has no primary key; rows are walked in its order", t.Name)}
	}
	model := make([]string, len(t.PKs))
	for i, f := range t.PKs {
		model[i] = f.Name
	}
	if !slices.Equal(slices.Sorted(slices.Values(key)), slices.Sorted(slices.Values(model))) {
		return &schemaError{fmt.Sprintf("table %q has the primary key (%s), but model %s has (%s)",
			t.Name, strings.Join(key, ", "), t.TypeName, strings.Join(model, ", "))}
	}
	t.cols = make(map[string]dialect.Column, len(used)+len(model))
	for _, name := range append(used, model...) {
		i := slices.IndexFunc(cols, func(c dialect.Column) bool { return strings.EqualFold(c.Name, name) })
		if i < 0 {
			return &schemaError{fmt.Sprintf("table %q has no column %q yet; has its migration run?", t.Name, name)}
		}
		cols[i].SQL = string(t.FieldMap[name].SQLName)
		t.cols[name] = cols[i]
	}
	t.walk = keyset.Walk{Dialect: t.d, Table: t.from, Alias: string(t.SQLAlias), Keys: t.columns(t.PKs)}
	return nil
}

func (t *table) named() dialect.Table {
	return dialect.Table{Schema: t.Schema, Name: t.Name, SQL: string(t.SQLName)}
}

func namesOf(fields []*schema.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// columns returns what inspect has found of some fields.
func (t *table) columns(fields []*schema.Field) []dialect.Column {
	cols := make([]dialect.Column, len(fields))
	for i, f := range fields {
		cols[i] = t.cols[f.Name]
	}
	return cols
}

// schemaError says that the database is not (yet) as the transform needs it.
type schemaError struct{ text string }

func (e *schemaError) Error() string { return e.text }

// key decodes a cursor; nil for the empty one.
func (t *table) key(cursor string) (keyset.Key, error) {
	if cursor == "" {
		return nil, nil
	}
	key, err := keyset.Decode(cursor)
	if err != nil {
		return nil, err
	}
	another := len(key) != len(t.PKs)
	for i := 0; i < len(key) && !another; i++ {
		_, isInt := key[i].(int64)
		another = isInt && (t.walk.Keys[i].Kind == dialect.Text || t.walk.Keys[i].Kind == dialect.Other)
	}
	if another {
		return nil, &schemaError{"the cursor belongs to another primary key; restart the transform"}
	}
	return key, nil
}

// stillPending returns those of keys whose rows are pending.
func (t *table) stillPending(ctx context.Context, q dialect.Querier, pending string, keys []string) ([]string, error) {
	var found []string
	for chunk := range slices.Chunk(keys, 200) {
		decoded := make([]keyset.Key, len(chunk))
		for i, text := range chunk {
			key, err := t.key(text)
			if err != nil {
				return nil, err
			}
			decoded[i] = key
		}
		cond, args := t.walk.AnyOf(decoded)
		part, err := t.keysWhere(ctx, q, "("+cond+") AND ("+pending+")", args...)
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	return found, nil
}

// keysWhere returns the keys of the rows that match a condition, as text.
func (t *table) keysWhere(ctx context.Context, q dialect.Querier, cond string, args ...any) ([]string, error) {
	raw := make([]string, len(t.walk.Keys))
	for i, k := range t.walk.Keys {
		raw[i] = t.d.Raw(k)
	}
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(raw, ", ")+" FROM "+t.from+" WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	key := make(keyset.Key, len(raw))
	dest := make([]any, len(raw))
	for i := range key {
		dest[i] = &key[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		for i := range key {
			key[i] = t.d.Load(t.walk.Keys[i], key[i])
		}
		text, err := key.Encode()
		if err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}
