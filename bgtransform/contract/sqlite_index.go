package contract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// sqliteIndexes lists the indexes of the table.
func (r *run) sqliteIndexes(ctx context.Context) ([]indexState, error) {
	schema := cmp.Or(r.schema, "main")
	return r.indexes(ctx, `SELECT l.name, l."unique", l.origin <> 'c', coalesce(i.name, '')
FROM pragma_index_list(`+dialect.Arg+", "+dialect.Arg+") AS l JOIN pragma_index_info(l.name, "+dialect.Arg+") AS i ORDER BY l.name, i.seqno", r.table, schema, schema)
}

// sqliteNamed is a quoted name in the database of the table.
func (r *run) sqliteNamed(name string) string {
	return r.quote(cmp.Or(r.schema, "main")) + "." + r.quote(name)
}

func (r *run) sqliteCreateIndex(index Index) plan {
	create := "CREATE INDEX "
	if index.Unique {
		create = "CREATE UNIQUE INDEX "
	}
	create += r.sqliteNamed(index.Name) + " ON " + r.quote(r.table) + " (" + r.quoted(index.Columns) + ")"
	if index.Where != "" {
		create += " WHERE " + index.Where
	}
	return func(ctx context.Context) (*step, error) {
		s, err := findIndex(ctx, index.Name, r.sqliteIndexes)
		if err != nil {
			return nil, err
		}
		if s != nil {
			return nil, index.same(s.columns, s.unique, strings.EqualFold)
		}
		build := r.sqliteStep("build the index", create)
		return &step{build.say, func(ctx context.Context) error {
			err := build.run(ctx)
			if index.Unique && err != nil && r.d.Classify(err) == dialect.BadRow && ctx.Err() == nil {
				return r.rowsError(index.duplicates(), err)
			}
			return err
		}}, nil
	}
}

func (r *run) sqliteDropIndex(name string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := findIndex(ctx, name, r.sqliteIndexes)
		switch {
		case err != nil || s == nil:
			return nil, err
		case s.constraint:
			return nil, refused("it belongs to a constraint of the table")
		}
		return r.sqliteStep("drop the index", "DROP INDEX "+r.sqliteNamed(s.name)), nil
	}
}

// sqliteDropColumn drops the indexes that are on the column alone with it: SQLite
// does not. It refuses by itself what views and triggers need.
func (r *run) sqliteDropColumn(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.sqliteColumn(ctx, column)
		switch {
		case errors.Is(err, errNoColumn):
			return nil, nil
		case err != nil:
			return nil, err
		case s.key:
			return nil, refused("column %q is part of the primary key", column)
		}
		indexes, err := r.sqliteIndexes(ctx)
		if err != nil {
			return nil, err
		}
		var by, statements []string
		for _, i := range indexes {
			switch {
			case !slices.Contains(i.columns, s.name):
			case len(i.columns) > 1 || i.constraint:
				by = append(by, fmt.Sprintf("index %q", i.name))
			default:
				statements = append(statements, "DROP INDEX "+r.sqliteNamed(i.name))
			}
		}
		if err := needed(column, by); err != nil {
			return nil, err
		}
		return r.sqliteStep("drop the column", append(statements, "ALTER TABLE "+r.from+" DROP COLUMN "+r.quote(s.name))...), nil
	}
}
