package bgtransform

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// agreement finds the rows about which the definition of a [Move] says one thing in
// Go and another in SQL. What such a row holds is what SQL has made of it, and what
// reads have served until then is what Go makes of it.
type agreement struct {
	*table         // of M
	camera *camera // of the old columns

	// look reads rows that match a condition, and returns what asks Go about them.
	look func(ctx context.Context, q dialect.Querier, cond string, args []any) (inquiry, error)
}

// inquiry asks the functions of a definition about rows that were read, outside of
// any transaction, and returns those about which it disagrees with SQL, and those
// that the model cannot hold.
type inquiry func(ctx context.Context) ([]Mismatch, error)

// lookAmong is look for the rows of some keys.
func (a *agreement) lookAmong(ctx context.Context, q dialect.Querier, keys []keyset.Key) (inquiry, error) {
	var parts []inquiry
	for chunk := range slices.Chunk(keys, 200) {
		cond, args := a.walk.AnyOf(chunk)
		part, err := a.look(ctx, q, "("+cond+")", args)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return func(ctx context.Context) ([]Mismatch, error) {
		var all []Mismatch
		for _, part := range parts {
			list, err := part(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
		return all, nil
	}, nil
}

// hold locks the rows of some keys, and returns what their old columns hold.
func (a *agreement) hold(ctx context.Context, tx bun.Tx, keys []keyset.Key) (map[string]string, error) {
	held := make(map[string]string, len(keys))
	for chunk := range slices.Chunk(keys, 200) {
		cond, args := a.walk.AnyOf(chunk)
		shots, err := a.camera.shoot(ctx, a.d.Bound(tx), "("+cond+")", args, a.d.LockRows)
		if err != nil {
			return nil, err
		}
		for _, s := range shots {
			held[s.text] = s.held
		}
	}
	return held, nil
}

// agreeing is a transform that says the same in Go and in SQL, or should.
type agreeing interface {
	// agreement returns what finds out; nil where there is nothing to compare.
	agreement(ctx context.Context, db *bun.DB) (*agreement, error)
}

var _ agreeing = Move[struct{}, int]{}

// agreement implements agreeing: without Forward, Go alone says what a row becomes.
func (m Move[M, V]) agreement(ctx context.Context, db *bun.DB) (*agreement, error) {
	if m.Column == nil || m.Column.Forward() == nil {
		return nil, nil
	}
	old, next, err := m.tables(ctx, db)
	if err != nil {
		return nil, err
	}
	def := m.Column.Move()
	c := m.conditions(db, old, next)
	r := &sidesReader[M, V]{column: m.Column, table: old, flags: c.flags(), backward: c.backward != "", caller: newCaller(ctx)}
	r.old = m.fields(db, def.OldColumns)
	reads := slices.Clone(def.OldColumns)
	if next == old {
		reads = append(reads, def.NewColumns...)
	} else if err := r.join(db, next); err != nil {
		return nil, err
	}
	if r.plan, err = newRowPlan(old, reads, nil); err != nil {
		return nil, err
	}
	r.plan.resolve(old)
	return &agreement{table: old, camera: cameraOf(old, r.old), look: r.look}, nil
}

// join has the new columns read from another table, by the expressions that find them
// there, into the model of the relation.
func (r *sidesReader[M, V]) join(db *bun.DB, next *table) (err error) {
	if r.relation, err = r.column.Relation(db); err != nil {
		return err
	}
	there := *next
	there.cols = maps.Clone(next.cols)
	r.far = &rowPlan{table: &there}
	exprs := r.column.New()
	for i, name := range r.column.Move().NewColumns {
		col := there.cols[name]
		col.SQL = spelled(db, exprs[i])
		there.cols[name] = col
		r.far.guards = append(r.far.guards, next.FieldMap[name])
		r.far.add(next.FieldMap[name], -1, i)
	}
	return nil
}

// related fills the model of the relation.
func (r *sidesReader[M, V]) related(model reflect.Value, values []any) error {
	field := r.relation.Field.Value(model)
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	for i, f := range r.relation.JoinPKs {
		if key := r.relation.BasePKs[i].Value(model); key.Type().AssignableTo(f.StructField.Type) {
			f.Value(field).Set(key)
		}
	}
	return r.far.scan(values, nil, make([]any, len(r.far.guards)), field)
}
