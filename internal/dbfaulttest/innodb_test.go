package dbfaulttest

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/uptrace/bun"
)

var threadOf = regexp.MustCompile(`(?m)^MariaDB thread id (\d+),`)

// innodbOpen returns the sessions of the database that have a transaction of InnoDB's
// open, and whether each waits for a row's lock.
//
// It reads the server's report. InnoDB keeps the list in information_schema as it is for as
// long as anybody goes on to ask for it, so tests that did would hold up each other, and every
// run that wants to know whether somebody still writes.
func innodbOpen(t testing.TB, db *bun.DB) (waits map[int64]bool) {
	t.Helper()
	var kind, name, report string
	must(t, db.NewRaw("SHOW ENGINE INNODB STATUS").Scan(context.Background(), &kind, &name, &report))
	var here []int64
	must(t, db.NewRaw("SELECT id FROM information_schema.processlist WHERE db = database()").Scan(context.Background(), &here))
	waits = map[int64]bool{}
	for _, part := range strings.Split(report, "---TRANSACTION ")[1:] {
		first, rest, _ := strings.Cut(part, "\n")
		thread := threadOf.FindStringSubmatch(rest)
		if thread == nil || !strings.Contains(first, "ACTIVE") {
			continue
		}
		id, err := strconv.ParseInt(thread[1], 10, 64)
		must(t, err)
		if slices.Contains(here, id) {
			waits[id] = strings.Contains(rest, "LOCK WAIT")
		}
	}
	return waits
}

// innodbWaiting returns a session of the database that waits for a row's lock; 0 if none does.
func innodbWaiting(t testing.TB, db *bun.DB) int64 {
	t.Helper()
	for session, waits := range innodbOpen(t, db) {
		if waits {
			return session
		}
	}
	return 0
}
