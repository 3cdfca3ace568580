package dialect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"
)

// mysqlOpen lists the transactions that have changed rows, whatever table these are
// in: InnoDB does not show that. Left out are those of sessions that are at home in
// a database which is neither the table's nor ours. A transaction without a session
// is one that is prepared (XA PREPARE), or the server's own, which is short. Those
// of other nodes of a cluster are not in this node's list.
//
// The server keeps the list for the tenth of a second in which nobody has asked for
// it, and as long as anybody goes on to ask, so a list counts only if this very
// statement is in it, which it is found by.
func mysqlOpen(mark string) string {
	return "SELECT /* " + mark + " */ t.trx_mysql_thread_id = CONNECTION_ID() AND coalesce(t.trx_query, '') LIKE '%" + mark + "%'," +
		" CAST(t.trx_id AS CHAR), t.trx_rows_modified, t.trx_mysql_thread_id, coalesce(p.command, '')," +
		" coalesce(timestampdiff(SECOND, t.trx_started, convert_tz(now(), @@time_zone, 'SYSTEM')), -1)" +
		" FROM information_schema.innodb_trx AS t LEFT JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id" +
		" WHERE t.trx_mysql_thread_id = CONNECTION_ID() OR (t.trx_rows_modified > 0 AND (p.db IS NULL OR p.db IN (coalesce(" + Arg + ", DATABASE()), DATABASE())))"
}

// How often the list is asked for until it is a new one, and how long is waited at
// least in between: longer than the server keeps it, and twice as long each time, for
// those who ask too often keep the list old for each other.
const (
	mysqlOpenTries = 5
	mysqlOpenWait  = 110 * time.Millisecond
)

func (d *Dialect) mysqlWriters(ctx context.Context, db *bun.DB, l Limits, table Table) ([]Writer, error) {
	for wait := mysqlOpenWait; wait < mysqlOpenWait<<mysqlOpenTries; wait *= 2 {
		open, fresh, err := d.mysqlListed(ctx, db, l, table)
		if err != nil || fresh {
			return open, err
		}
		again := time.NewTimer(wait/2 + rand.N(wait) + mysqlOpenWait/2)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		case <-again.C:
		}
	}
	return nil, ErrWritersStale
}

// mysqlListed reads the list in a transaction that is in it: it has read a row.
func (d *Dialect) mysqlListed(ctx context.Context, db *bun.DB, l Limits, table Table) (open []Writer, fresh bool, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return nil, false, err
	}
	err = ended(ctx, tx, func(ctx context.Context, tx bun.Tx) error {
		q := mysqlBounded{d.Bound(tx), l.within(ctx)}
		var row int
		if err := q.QueryRowContext(ctx, "SELECT 1 FROM "+table.SQL+" LIMIT 1").Scan(&row); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		rows, err := q.QueryContext(ctx, mysqlOpen("bgtransform "+strconv.FormatUint(rand.Uint64(), 36)), mysqlName(table)[0])
		if mysqlDenied(err) { // it takes the right PROCESS
			return ErrWritersUnseen
		}
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w Writer
			var ours bool
			var changed, thread, age int64
			var command string
			if err := rows.Scan(&ours, &w.ID, &changed, &thread, &command, &age); err != nil {
				return err
			}
			if fresh = fresh || ours; changed == 0 {
				continue
			}
			w.Who, w.Age = mysqlWho(w.ID, thread, command), time.Duration(age)*time.Second
			open = append(open, w)
		}
		return rows.Err()
	}, func() {})
	return open, fresh, err
}

func mysqlWho(id string, thread int64, command string) string {
	switch {
	case thread == 0:
		return fmt.Sprintf("transaction %s without a session: prepared (see XA RECOVER), or the server's own", id)
	case command == "":
		return fmt.Sprintf("connection %d", thread)
	default:
		return fmt.Sprintf("connection %d, command %s", thread, command)
	}
}

// mysqlDenied reports whether the list itself is refused: for want of a right, or by
// a server that speaks the protocol and has none.
func mysqlDenied(err error) bool {
	if err == nil {
		return false
	}
	number, _, ok := mysqlNumbers(err)
	return ok && slices.Contains([]int{1044, 1109, 1142, 1143, 1146, 1227}, number)
}
