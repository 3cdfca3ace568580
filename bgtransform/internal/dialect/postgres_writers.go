package dialect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// postgresOpen finds who holds the lock that every write takes on its table, or on
// the partition or descendant that it goes to, until its transaction has ended.
// Everybody may see it. Readers, backups, vacuum and replication slots hold others.
// A transaction gives its locks back only once all can see what it has written, and
// one that is prepared (PREPARE TRANSACTION) keeps them, without a process.
const postgresOpen = `
WITH RECURSIVE kin(oid) AS (
	SELECT CAST(to_regclass(` + Arg + `) AS oid)
	UNION
	SELECT i.inhrelid FROM pg_inherits AS i JOIN kin ON i.inhparent = kin.oid
)
SELECT DISTINCT l.virtualtransaction, COALESCE(l.pid, 0), COALESCE(a.state, ''),
	COALESCE(CAST(extract(epoch FROM clock_timestamp() - a.xact_start) AS bigint), -1)
FROM pg_locks AS l
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND l.relation IN (SELECT oid FROM kin)`

func (d *Dialect) postgresWriters(ctx context.Context, db *bun.DB, l Limits, table Table) (open []Writer, err error) {
	err = d.Read(ctx, db, l, func(ctx context.Context, q Querier) error {
		rows, err := q.QueryContext(ctx, postgresOpen, table.SQL)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w Writer
			var pid, age int64
			var state string
			if err := rows.Scan(&w.ID, &pid, &state, &age); err != nil {
				return err
			}
			w.Who, w.Age = postgresWho(w.ID, pid, state), time.Duration(age)*time.Second
			open = append(open, w)
		}
		return rows.Err()
	})
	return open, err
}

// postgresWho describes a transaction. The state of another user's session is not
// shown to everybody.
func postgresWho(id string, pid int64, state string) string {
	switch {
	case pid == 0:
		return fmt.Sprintf("prepared transaction %s, see pg_prepared_xacts", id[len("-1/"):])
	case state == "":
		return fmt.Sprintf("backend %d", pid)
	default:
		return fmt.Sprintf("backend %d, %s", pid, state)
	}
}
