package dialect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// postgresOpen finds who holds the lock that every write takes on its table, or on
// the partition or descendant that it goes to, until its transaction has ended.
// Readers, backups, vacuum and replication slots hold others. A transaction gives its
// locks back only once all can see what it has written, and one that is prepared
// (PREPARE TRANSACTION) keeps them, without a process and over a restart of the
// server, under the same number of its own, which it got when it first wrote. Its
// subtransactions have higher ones.
const postgresOpen = `
WITH RECURSIVE kin(oid) AS (
	SELECT CAST(CAST(` + Arg + ` AS regclass) AS oid)
	UNION
	SELECT i.inhrelid FROM pg_inherits AS i JOIN kin ON i.inhparent = kin.oid
)
SELECT CAST(min(CAST(CAST(x.transactionid AS text) AS bigint)) AS text), COALESCE(l.pid, 0), COALESCE(min(a.state), ''),
	COALESCE(CAST(extract(epoch FROM statement_timestamp() - min(a.xact_start)) AS bigint), -1)
FROM pg_locks AS l
JOIN pg_locks AS x ON x.virtualtransaction = l.virtualtransaction AND x.locktype = 'transactionid' AND x.mode = 'ExclusiveLock' AND x.granted
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND l.relation IN (SELECT oid FROM kin)
GROUP BY l.virtualtransaction, l.pid`

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
	if sqlState(err) == "42501" { // a server that is made tighter than it comes
		return nil, ErrWritersUnseen
	}
	return open, err
}

// postgresWho describes a transaction. The state of another user's session is not
// shown to everybody.
func postgresWho(id string, pid int64, state string) string {
	switch {
	case pid == 0:
		return fmt.Sprintf("prepared transaction %s, see pg_prepared_xacts", id)
	case state == "":
		return fmt.Sprintf("backend %d", pid)
	default:
		return fmt.Sprintf("backend %d, %s", pid, state)
	}
}
