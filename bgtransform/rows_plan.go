package bgtransform

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// rowPlan says which columns of a row are read, guarded and written, and where
// each selected value goes.
type rowPlan struct {
	keys, guards, writes []*schema.Field

	// What [rowPlan.resolve] adds, once the table in the database is known.
	table   *table
	selects []selected
}

// selected is one expression of the SELECT. Its value may go to a part of the
// key, to a guard, and to the model.
type selected struct {
	expr       string
	raw        *dialect.Column // nil: as the driver reads it
	key, guard int             // -1: to none
	field      *schema.Field   // nil: not to the model
}

func newRowPlan(t *table, reads, writes []string) (*rowPlan, error) {
	p := &rowPlan{keys: t.PKs}
	var errs []error
	isKey := map[string]bool{}
	for _, f := range t.PKs {
		isKey[f.Name] = true
	}
	if reads == nil {
		for _, f := range t.DataFields {
			reads = append(reads, f.Name)
		}
	}
	var err error
	if p.writes, err = t.written(writes); err != nil {
		errs = append(errs, err)
	}
	guarded := map[string]bool{}
	for i, name := range append(append([]string{}, reads...), writes...) {
		use := "Reads"
		if i >= len(reads) {
			use = "Writes"
		}
		f, err := t.field(use, name)
		if err != nil && use == "Reads" {
			errs = append(errs, err)
		}
		if err != nil || guarded[name] || isKey[name] {
			continue
		}
		guarded[name] = true
		p.guards = append(p.guards, f)
	}
	return p, errors.Join(errs...)
}

// resolve decides how each column is read, by what it is in the database.
func (p *rowPlan) resolve(t *table) {
	p.table = t
	for i, f := range p.keys {
		p.add(f, i, -1)
	}
	for i, f := range p.guards {
		p.add(f, -1, i)
	}
}

// add selects a column's stored value, and the column itself once more where
// the model cannot be filled from the stored value.
func (p *rowPlan) add(f *schema.Field, key, guard int) {
	col := p.table.cols[f.Name]
	raw := selected{expr: p.table.d.Raw(col), raw: &col, key: key, guard: guard}
	if raw.expr == col.SQL || (col.Kind != dialect.Other && !col.Opaque && fromRaw(f)) {
		raw.field = f
		p.selects = append(p.selects, raw)
		return
	}
	p.selects = append(p.selects, raw, selected{expr: col.SQL, key: -1, guard: -1, field: f})
}

// fromRaw reports whether bun fills the field alike from the stored value and
// from what a driver makes of it, unless that is a text of a type of its own.
func fromRaw(f *schema.Field) bool {
	switch f.IndirectType {
	case reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string]():
		return true
	default:
		return false
	}
}

// columns lists every column that the plan uses.
func (p *rowPlan) columns() []string {
	var names []string
	for _, f := range slices.Concat(p.keys, p.guards, p.writes) {
		names = append(names, f.Name)
	}
	return names
}

func (p *rowPlan) selectList() string {
	exprs := make([]string, len(p.selects))
	for i, s := range p.selects {
		exprs[i] = s.expr
	}
	return strings.Join(exprs, ", ")
}

// scan puts the values of one row to their places. After an error the key is
// complete all the same.
func (p *rowPlan) scan(values []any, key keyset.Key, guard []any, model reflect.Value) error {
	for i, s := range p.selects {
		if s.raw == nil {
			values[i] = dialect.Stored(values[i])
			continue
		}
		values[i] = p.table.d.Load(*s.raw, values[i])
		if s.key >= 0 {
			key[s.key] = values[i]
		}
		if s.guard >= 0 {
			guard[s.guard] = values[i]
		}
	}
	for i, s := range p.selects {
		if s.field == nil {
			continue
		}
		if err := s.field.ScanValue(model, values[i]); err != nil {
			return fmt.Errorf("scan column %q: %w", s.field.Name, err)
		}
	}
	return nil
}

// update starts the bulk update that the plan's rows go into.
func (p *rowPlan) update(where string) dialect.Update {
	t := p.table
	return dialect.Update{Table: t.from, Keys: t.walk.Keys, Where: where, Sets: t.columns(p.writes), Guards: t.columns(p.guards)}
}
