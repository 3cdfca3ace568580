package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// Create makes the tables that are missing, and adds the columns that a newer
// version of this package has and older tables lack. The scheduler calls it on
// start; it may be called any number of times, from several instances at once.
// Where nothing is missing it only looks, so that it needs no right to change
// the schema.
func Create(ctx context.Context, db bun.IDB) error {
	d, err := dialect.For(db.NewSelect().DB())
	if err != nil {
		return err
	}
	for _, model := range models() {
		table := db.NewSelect().DB().Table(reflect.TypeOf(model).Elem())
		if err := ensure(ctx, d, db, model, table); err != nil {
			return err
		}
	}
	return nil
}

// Create makes the tables that are missing; see [Create].
func (s *Store) Create(ctx context.Context) error { return Create(ctx, s.db) }

// ensure makes a table what its model says.
func ensure(ctx context.Context, d *dialect.Dialect, db bun.IDB, model any, table *schema.Table) error {
	create := createTable(db, model)
	lacks, exists, err := lacking(ctx, d, db, table)
	if err != nil && d.Classify(err) == dialect.Transient {
		// Another instance is at it. SQLite lets a statement wait that writes.
		_, _ = db.ExecContext(ctx, create)
		lacks, exists, err = lacking(ctx, d, db, table)
	}
	if err != nil {
		return fmt.Errorf("look at table %s: %w", table.Name, err)
	}
	if !exists {
		if _, err := db.ExecContext(ctx, create); err != nil {
			return settled(ctx, d, db, table, fmt.Errorf("create table %s: %w", table.Name, explained(d, err)))
		}
		return nil
	}
	for _, f := range lacks {
		if _, err := db.NewAddColumn().Model(model).ColumnExpr("?", bun.Safe(added(db, f))).Exec(ctx); err != nil {
			return settled(ctx, d, db, table, fmt.Errorf("add column %s to table %s: %w", f.Name, table.Name, explained(d, err)))
		}
	}
	return nil
}

// createTable spells the statement that makes a table. On MySQL a text ends after
// 64 KB, in which the journal cannot keep a large row.
func createTable(db bun.IDB, model any) string {
	kind := db.Dialect().Name()
	query := db.NewCreateTable().Model(model).IfNotExists().String()
	if _, large := model.(*JournalEntry); large && kind == bundialect.MySQL {
		query = strings.ReplaceAll(query, " text ", " longtext ")
	}
	return query + dialect.TableOptions(kind)
}

// lacking returns the fields that a table has no columns for, and whether there
// is such a table at all.
func lacking(ctx context.Context, d *dialect.Dialect, db bun.IDB, table *schema.Table) (lacks []*schema.Field, exists bool, err error) {
	cols, err := d.Columns(ctx, db, dialect.Table{Schema: table.Schema, Name: table.Name, SQL: string(table.SQLName)})
	if err != nil || len(cols) == 0 {
		return nil, false, err
	}
	has := map[string]bool{}
	for _, c := range cols {
		has[strings.ToLower(c.Name)] = true
	}
	for _, f := range table.Fields {
		if !has[f.Name] {
			lacks = append(lacks, f)
		}
	}
	return lacks, true, nil
}

// settled returns failed, unless another instance has done meanwhile what failed
// here: databases do not make it a wait that two do the same.
func settled(ctx context.Context, d *dialect.Dialect, db bun.IDB, table *schema.Table, failed error) error {
	if lacks, exists, err := lacking(ctx, d, db, table); err != nil || !exists || len(lacks) > 0 {
		return failed
	}
	return nil
}

// explained adds what helps to an error that most often means a missing right.
func explained(d *dialect.Dialect, err error) error {
	if d.Classify(err) != dialect.Schema {
		return err
	}
	return fmt.Errorf("%w (if this database user may not change the schema, make the tables with store.Migrations as one who may)", err)
}

// added spells a column for a table that has rows, and to which older versions
// of the app still add some.
func added(db bun.IDB, f *schema.Field) string {
	value := "0"
	switch f.IndirectType.Kind() {
	case reflect.String:
		value = "''"
	case reflect.Bool:
		value = "FALSE"
	default: // a number
	}
	if db.Dialect().Name() == bundialect.MySQL {
		value = "(" + value + ")" // the only default that a text may have
	}
	return string(f.SQLName) + " " + f.CreateTableSQLType + " NOT NULL DEFAULT " + value
}
