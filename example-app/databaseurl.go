package main

import (
	"net/url"
	"regexp"
	"strings"
)

// defaultDatabase is the file used when neither -db nor DATABASE_URL names one.
const defaultDatabase = "catalogue.db"

// parseDatabase returns the driver's name for a database, and the path of its
// file. Text is a path, sqlite:PATH, or a file: URL with SQLite's parameters; mode
// is SQLite's mode parameter unless the text has one.
func parseDatabase(text, mode string) (dsn, path string, err error) {
	scheme, rest := cutScheme(text)
	switch scheme {
	case "":
		path, rest = text, ""
		if path == "" {
			path = defaultDatabase
		}
		if strings.Contains(path, "@") || strings.Contains(path, "password=") {
			return "", "", usagef("the database looks like the address of a server (not shown, for it may hold a password); want a path, sqlite:PATH or file:PATH")
		}
	case "file":
		path, rest, _ = strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		if path, err = url.PathUnescape(path); err != nil {
			return "", "", usagef("database %q: %w", text, err)
		}
	case "sqlite", "sqlite3":
		path, rest, _ = strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	case "postgres", "postgresql", "pgx", "mysql", "mariadb":
		return "", "", usagef("this version of the example works with SQLite; PostgreSQL and MySQL come next: "+
			"give -db or DATABASE_URL a path, or sqlite:PATH, instead of a %s: address", scheme)
	default:
		return "", "", usagef("unknown kind of database %q; want a path, sqlite:PATH or file:PATH", scheme)
	}
	params, err := url.ParseQuery(rest)
	if err != nil {
		return "", "", usagef("database %q: %w", path, err)
	}
	if path == "" || strings.Contains(path, ":memory:") || params.Get("mode") == "memory" {
		return "", "", usagef("the database must be a file, for it outlives the process and is shared with others")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas(params, mode).Encode(), path, nil
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
