package main

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// database says where the catalogue is.
type database struct {
	name string // for people: without a password
	file string // of SQLite; empty for a server

	// open returns a handle. It connects with the first query, not before: an
	// app boots also when its database is down.
	open func() (*bun.DB, error)
}

const (
	// maxConns bounds the connections that requests and batches share. SQLite has
	// one writer at a time; more connections serve readers.
	maxConns = 16
	// connLife is how long a connection to a server is used: less than what
	// balancers and servers allow an idle one.
	connLife = 3 * time.Minute
	// connectTimeout bounds a connect, unless the address says otherwise. A
	// server that does not answer by then is as good as away.
	connectTimeout = 2 * time.Second
)

func limitConns(db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	return db
}

func openSQLite(dsn string) (*bun.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return bun.NewDB(limitConns(db), sqlitedialect.New()), nil
}
