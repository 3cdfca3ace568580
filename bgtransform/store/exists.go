package store

import (
	"context"
	"fmt"
	"reflect"
)

// Exists reports whether the tables are there, and, if so, whether they are whole: as
// [Create] of this version makes them. It changes nothing.
func (s *Store) Exists(ctx context.Context) (there, whole bool, err error) {
	whole = true
	for _, model := range models() {
		table := s.db.Table(reflect.TypeOf(model).Elem())
		lacks, exists, err := lacking(ctx, s.d, s.db, table)
		if err != nil {
			return false, false, fmt.Errorf("look at table %s: %w", table.Name, err)
		}
		there = there || exists
		whole = whole && exists && len(lacks) == 0
	}
	return there, whole && there, nil
}

// Now returns the server's clock in Unix milliseconds.
func (s *Store) Now(ctx context.Context) (ms int64, err error) {
	if err := s.db.NewSelect().ColumnExpr("?", s.now()).Scan(ctx, &ms); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	return ms, nil
}
