package dualread

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// newAlias is the name of the other table where its columns are read.
const newAlias = "bgt_new"

// Relation returns the relation in whose table the new columns are, as db sees it;
// nil when they are in the table of M. The error says why the table cannot be used:
// each row of M has one row there at most, found by its primary key.
func (c *Column[M, V]) Relation(db bun.IDB) (*schema.Relation, error) {
	if c.move.NewRelation == "" {
		return nil, nil
	}
	return c.relation(db.Dialect().Tables())
}

func (c *Column[M, V]) relation(tables *schema.Tables) (*schema.Relation, error) {
	table := tables.Get(reflect.TypeFor[M]())
	rel, ok := table.Relations[c.move.NewRelation]
	problem := ""
	switch {
	case !ok:
		problem = "is no relation of the model: want the name of a field that bun has as rel:has-one"
	case rel.Type != schema.HasOneRelation:
		problem = "is not tagged rel:has-one"
	case !sameFields(rel.BasePKs, table.PKs) || !sameFields(rel.JoinPKs, rel.JoinTable.PKs):
		problem = "must join the primary key of the model with that of the other one"
	}
	if problem != "" {
		return nil, moveError(c.move.Name, []string{fmt.Sprintf("NewRelation %q %s", c.move.NewRelation, problem)})
	}
	return rel, nil
}

func sameFields(a, b []*schema.Field) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f *schema.Field) bool { return !slices.Contains(b, f) })
}

// newColumn reads a new column, be it from another table.
func (c *Column[M, V]) newColumn(qualifier appender, name string) appender {
	if c.move.NewRelation == "" {
		return column(qualifier, name)
	}
	return func(gen schema.QueryGen, b []byte) ([]byte, error) {
		rel, err := c.relation(gen.Dialect().Tables())
		if err != nil {
			return nil, err
		}
		prefix, err := qualifier(gen, nil)
		if err == nil && len(prefix) == 0 {
			err = moveError(c.move.Name, []string{"columns of another table want an alias for that of the model"})
		}
		if err != nil {
			return nil, err
		}
		b = gen.AppendQuery(b, "(SELECT ?.? FROM ? AS ? WHERE ", bun.Ident(newAlias), bun.Name(name), rel.JoinTable.SQLName, bun.Ident(newAlias))
		for i, f := range rel.JoinPKs {
			if i > 0 {
				b = append(b, " AND "...)
			}
			b = gen.AppendQuery(b, "?.? = ??", bun.Ident(newAlias), f.SQLName, bun.Safe(prefix), rel.BasePKs[i].SQLName)
		}
		return append(b, ')'), nil
	}
}

// newColumns reads all new columns.
func (c *Column[M, V]) newColumns(qualifier appender) []any {
	args := make([]any, 0, len(c.move.NewColumns))
	for _, name := range c.move.NewColumns {
		args = append(args, c.newColumn(qualifier, name))
	}
	return args
}

// SaveNew writes the new columns of a move to another table, which [Column.Write] has
// set in m: it inserts the row there, or updates the new columns of the one that is
// there. Call it in the transaction that saves m, and after that: the transform
// locks the row of the model first, as you do then.
//
//	err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
//		if _, err := tx.NewUpdate().Model(m).Column(c.Columns()...).WherePK().Exec(ctx); err != nil {
//			return err
//		}
//		return c.SaveNew(ctx, tx, m)
//	})
//
// The other row gets the primary key of m. SaveNew fails when the new columns are in
// the table of M.
func (c *Column[M, V]) SaveNew(ctx context.Context, db bun.IDB, m *M) error {
	rel, err := c.Relation(db)
	if err != nil {
		return err
	}
	if rel == nil {
		return moveError(c.move.Name, []string{"SaveNew is for a move to another table: NewRelation is not set"})
	}
	base, other := reflect.ValueOf(m).Elem(), rel.Field.Value(reflect.ValueOf(m).Elem())
	if other.Kind() != reflect.Pointer || other.IsNil() {
		return moveError(c.move.Name, []string{fmt.Sprintf("the model has no %s to save: SetNew must set it", rel.Field.GoName)})
	}
	for i, f := range rel.JoinPKs {
		key := rel.BasePKs[i].Value(base)
		if !key.Type().AssignableTo(f.StructField.Type) {
			return moveError(c.move.Name, []string{fmt.Sprintf("column %q is a %s, and %q in the other table a %s", rel.BasePKs[i].Name, key.Type(), f.Name, f.StructField.Type)})
		}
		f.Value(other.Elem()).Set(key)
	}
	_, err = c.upsert(db, rel, other.Interface()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("save the new columns of move %q: %w", c.move.Name, err)
	}
	return nil
}

func (c *Column[M, V]) upsert(db bun.IDB, rel *schema.Relation, other any) *bun.InsertQuery {
	q := db.NewInsert().Model(other)
	set := "? = EXCLUDED.?"
	if db.Dialect().Name() == dialect.MySQL {
		q.On("DUPLICATE KEY UPDATE")
		set = "? = VALUES(?)"
	} else {
		keys := make([]string, len(rel.JoinPKs))
		for i, f := range rel.JoinPKs {
			keys[i] = string(f.SQLName)
		}
		q.On("CONFLICT (?) DO UPDATE", bun.Safe(strings.Join(keys, ", ")))
	}
	for _, name := range c.move.NewColumns {
		q.Set(set, bun.Ident(name), bun.Ident(name))
	}
	return q
}
