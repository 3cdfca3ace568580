package main

import (
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// maxConns bounds the connections that requests and batches share. SQLite has
// one writer at a time; more connections serve readers.
const maxConns = 16

// openDatabase returns a handle. It connects with the first query, not here.
func openDatabase(dsn string) (*bun.DB, error) {
	sqldb, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	sqldb.SetMaxOpenConns(maxConns)
	sqldb.SetMaxIdleConns(maxConns)
	return bun.NewDB(sqldb, sqlitedialect.New()), nil
}
