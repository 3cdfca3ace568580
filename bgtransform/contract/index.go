package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// Index is an index to be.
type Index struct {
	Table   string
	Columns []string // in their order
	Unique  bool

	// Name defaults to the names of table and columns and "idx", joined by "_".
	Name string

	// Where is SQL: only rows for which it is true are in the index. MariaDB and
	// MySQL have no such indexes. Of an index that is there already it is not compared.
	Where string
}

// CreateIndex builds an index beside the app. An index of that name with other columns
// is an error, a half-built one is built anew. It returns [ErrRows] if Unique is set
// and there are duplicates.
func CreateIndex(ctx context.Context, db *bun.DB, index Index, opts ...Option) error {
	if index.Name == "" {
		index.Name = strings.Join(append(append([]string{index.Table}, index.Columns...), "idx"), "_")
	}
	if len(index.Columns) == 0 {
		return errors.New("contract: an index needs Columns")
	}
	return change(ctx, db, index.Table, fmt.Sprintf("create index %q", index.Name), plans{
		postgres: func(r *run) plan { return r.postgresCreateIndex(index) },
		mysql:    func(r *run) plan { return r.mysqlCreateIndex(index) },
		sqlite:   func(r *run) plan { return r.sqliteCreateIndex(index) },
		alone:    true,
	}, opts)
}

// DropIndex drops an index of a table beside the app. One that is not there is
// no error.
func DropIndex(ctx context.Context, db *bun.DB, table, name string, opts ...Option) error {
	return change(ctx, db, table, fmt.Sprintf("drop index %q", name), plans{
		postgres: func(r *run) plan { return r.postgresDropIndex(name) },
		mysql:    func(r *run) plan { return r.mysqlDropIndex(name) },
		sqlite:   func(r *run) plan { return r.sqliteDropIndex(name) },
		alone:    true,
	}, opts)
}

// duplicates are the rows that are in the way of a unique index.
func (i Index) duplicates() string {
	return "some rows have the same values in " + strings.Join(i.Columns, ", ")
}

// same returns an error if an index that is there is not the one that is wanted.
func (i Index) same(columns []string, unique bool, equal func(a, b string) bool) error {
	different := len(columns) != len(i.Columns) || unique != i.Unique
	for n := range columns {
		different = different || !equal(columns[n], i.Columns[n])
	}
	if different {
		return refused("there is an index of that name with other columns, or unique where this one is not or the other way round: choose another Name, or drop that one with DropIndex")
	}
	return nil
}
