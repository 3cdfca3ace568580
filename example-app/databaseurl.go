package main

import (
	"cmp"
	"net/url"
	"regexp"
	"strings"

	"github.com/uptrace/bun"
)

// defaultDatabase is the file used when neither -db nor DATABASE_URL names one.
const defaultDatabase = "catalogue.db"

// wantDatabase is what addresses of databases look like.
const wantDatabase = "a path, sqlite:PATH, " + postgresExample + " or " + mysqlExample

// parseDatabase reads the address of a database: a path, sqlite:PATH, a file: URL
// with SQLite's parameters, or the URL of a server. mode is SQLite's mode parameter
// unless the text has one.
func parseDatabase(text, mode string) (database, error) {
	switch scheme, rest := cutScheme(text); scheme {
	case "":
		if strings.Contains(text, "@") || strings.Contains(text, "password=") || strings.Contains(text, "host=") {
			return database{}, usagef("the database looks like the address of a server (not shown, for it may hold a password); want %s", wantDatabase)
		}
		return parseSQLite(cmp.Or(text, defaultDatabase), "", mode)
	case "file":
		escaped, params, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		path, err := url.PathUnescape(escaped)
		if err != nil {
			return database{}, usagef("database %q: %w", text, err)
		}
		return parseSQLite(path, params, mode)
	case "sqlite", "sqlite3":
		path, params, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		return parseSQLite(path, params, mode)
	case "postgres", "postgresql":
		return parsePostgres(text)
	case "mysql", "mariadb":
		return parseMySQL(text)
	default:
		return database{}, usagef("unknown kind of database %q; want %s", scheme, wantDatabase)
	}
}

// parseSQLite returns the database in a file.
func parseSQLite(path, query, mode string) (database, error) {
	params, err := url.ParseQuery(query)
	if err != nil {
		return database{}, usagef("database %q: %w", path, err)
	}
	if path == "" || strings.Contains(path, ":memory:") || params.Get("mode") == "memory" {
		return database{}, usagef("the database must be a file, for it outlives the process and is shared with others")
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas(params, mode).Encode()
	return database{name: path, file: path, open: func() (*bun.DB, error) { return openSQLite(dsn) }}, nil
}

// pragmas adds to params what an app that is used while rows move needs:
//   - WAL, so that readers and the writer do not wait for each other;
//   - a busy timeout, so that two writers wait instead of failing;
//   - immediate transactions, so that none finds out too late that its
//     snapshot is too old to write.
func pragmas(params url.Values, mode string) url.Values {
	if !params.Has("mode") {
		params.Set("mode", mode)
	}
	if !params.Has("_txlock") {
		params.Set("_txlock", "immediate")
	}
	given := strings.Join(params["_pragma"], " ")
	for _, p := range []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"} {
		if name, _, _ := strings.Cut(p, "("); !strings.Contains(given, name) {
			params.Add("_pragma", p)
		}
	}
	return params
}

// cutScheme parts the scheme from the rest. One letter is a drive, not a scheme.
func cutScheme(text string) (scheme, rest string) {
	m := regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):(.*)$`).FindStringSubmatch(text)
	if m == nil {
		return "", text
	}
	return strings.ToLower(m[1]), m[2]
}
