package main

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const postgresExample = "postgres://USER:PASSWORD@localhost:5432/DATABASE?sslmode=disable"

// parsePostgres reads the URL of a PostgreSQL database. What it lacks comes from
// the variables of libpq, such as PGPASSWORD.
func parsePostgres(text string) (database, error) {
	if _, err := parseServer(text, postgresExample); err != nil {
		return database{}, err
	}
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		return database{}, usagef("the PostgreSQL address is not understood: %w; want such as %s", unquoted(err), postgresExample)
	}
	cfg.ConnectTimeout = cmp.Or(cfg.ConnectTimeout, connectTimeout)
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "example-app"
	}
	return database{
		name: serverName("postgres", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), cfg.Database),
		open: func() (*bun.DB, error) {
			db := limitConns(stdlib.OpenDB(*cfg))
			db.SetConnMaxLifetime(connLife)
			return bun.NewDB(db, pgdialect.New()), nil
		},
	}, nil
}

// unquoted returns the cause of the driver's error, which quotes the address.
func unquoted(err error) error {
	if wraps, ok := err.(interface{ Unwrap() error }); ok && wraps.Unwrap() != nil {
		return wraps.Unwrap()
	}
	return fmt.Errorf("a part of it is invalid")
}

// parseServer reads the URL of a server. Its errors do not quote the URL: it may
// hold a password.
func parseServer(text, example string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, usagef("the database's address is no URL (not shown, for it may hold a password); want such as %s, "+
			"with %%XX for special characters in user and password", example)
	}
	if u.Opaque != "" {
		return nil, usagef("the database's address lacks // after %s:; want such as %s", u.Scheme, example)
	}
	return u, nil
}

// serverName is a database on a server as people want it.
func serverName(scheme, addr, name string) string {
	return (&url.URL{Scheme: scheme, Host: addr, Path: "/" + name}).String()
}
