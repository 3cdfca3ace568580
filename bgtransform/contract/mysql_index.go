package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// mysqlIndexes lists the indexes of the table.
func (r *run) mysqlIndexes(ctx context.Context) ([]indexState, error) {
	return r.indexes(ctx, "SELECT index_name, non_unique = 0, false, coalesce(column_name, '') FROM information_schema.statistics WHERE "+
		inDatabase("table_schema", "table_name")+" ORDER BY index_name, seq_in_index", r.mysqlNamed()...)
}

func (r *run) mysqlCreateIndex(index Index) plan {
	add := "ADD INDEX "
	if index.Unique {
		add = "ADD UNIQUE INDEX "
	}
	add += r.quote(index.Name) + " (" + r.quoted(index.Columns) + ")"
	return func(ctx context.Context) (*step, error) {
		if index.Where != "" {
			return nil, refused("this database has no indexes with a condition; leave Where out, or index a generated column")
		}
		s, err := findIndex(ctx, index.Name, r.mysqlIndexes)
		if err != nil {
			return nil, err
		}
		if s != nil {
			return nil, index.same(s.columns, s.unique, strings.EqualFold)
		}
		build := r.mysqlAlter("build the index, beside the app", add, mysqlOnline)
		return &step{build.say, func(ctx context.Context) error {
			err := build.run(ctx)
			if r.d.Code(err) == "1062" { // duplicate entry, which the message names
				return r.rowsError(index.duplicates(), err)
			}
			return err
		}}, nil
	}
}

func (r *run) mysqlDropIndex(name string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := findIndex(ctx, name, r.mysqlIndexes)
		if err != nil || s == nil {
			return nil, err
		}
		return r.mysqlAlter("drop the index", "DROP INDEX "+r.quote(s.name), mysqlOnline), nil
	}
}

func (r *run) mysqlDropColumn(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.mysqlColumn(ctx, column)
		switch {
		case errors.Is(err, errNoColumn):
			return nil, nil
		case err != nil:
			return nil, err
		case s.key:
			return nil, refused("column %q is part of the primary key", column)
		}
		by, err := r.mysqlNeeded(ctx, s.name)
		if err != nil {
			return nil, err
		}
		if err := needed(column, by); err != nil {
			return nil, err
		}
		drop := r.mysqlAlter("drop the column", "DROP COLUMN "+r.quote(s.name), mysqlInstant, mysqlOnline)
		return &step{drop.say, func(ctx context.Context) error {
			err := drop.run(ctx)
			switch r.d.Code(err) {
			case "1054", "1072", "1553", "1828", "1829", "1901", "3108", "3855": // a generated column, a key, a check needs it
				return &failure{kind: ErrRefused, cause: err, text: fmt.Sprintf("something needs column %q: %v", column, err)}
			default:
				return err
			}
		}}, nil
	}
}

// mysqlNeeded lists what needs a column and is not the server's to refuse: indexes
// over other columns too, which it would narrow without a word, views and triggers,
// which it would leave broken.
func (r *run) mysqlNeeded(ctx context.Context, column string) ([]string, error) {
	indexes, err := r.mysqlIndexes(ctx)
	if err != nil {
		return nil, err
	}
	var by []string
	for _, i := range indexes {
		for _, c := range i.columns {
			if c == column && len(i.columns) > 1 {
				by = append(by, fmt.Sprintf("index %q", i.name))
			}
		}
	}
	views, err := r.texts(ctx, "SELECT concat('view \"', v.table_name, '\"') FROM information_schema.views AS v JOIN information_schema.tables AS t ON "+inDatabase("t.table_schema", "t.table_name")+
		" WHERE locate(concat('`', replace(t.table_schema, '`', '``'), '`.`', replace(t.table_name, '`', '``'), '`'), v.view_definition) > 0 AND locate("+dialect.Arg+", v.view_definition) > 0",
		r.mysqlNamed(r.quote(column))...)
	if err != nil {
		return nil, err
	}
	rows, err := r.d.Bound(r.db).QueryContext(ctx, "SELECT trigger_name, action_statement FROM information_schema.triggers WHERE "+inDatabase("event_object_schema", "event_object_table"), r.mysqlNamed()...)
	if err != nil {
		return nil, err
	}
	triggers, err := naming(rows, column)
	return append(append(by, views...), triggers...), err
}
