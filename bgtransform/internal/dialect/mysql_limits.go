package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// mysqlRead bounds each query by a clause of its own, so that there is no
// setting which the connection could carry back to the app. The driver leaves
// a query running on the server when its context ends.
func (d *Dialect) mysqlRead(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, q Querier) error) error {
	return fn(ctx, mysqlBounded{d.Bound(db), l})
}

type mysqlBounded struct {
	Querier
	limits Limits
}

func (q mysqlBounded) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return q.Querier.QueryContext(ctx, q.bounded(query), args...)
}

func (q mysqlBounded) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return q.Querier.QueryRowContext(ctx, q.bounded(query), args...)
}

// bounded adds MariaDB's clause, and the hint that MySQL has for SELECT. A query
// locks no rows, but waits for a table that somebody alters, or is about to.
func (q mysqlBounded) bounded(query string) string {
	var set []string
	if q.limits.Statement > 0 {
		if rest, ok := strings.CutPrefix(query, "SELECT "); ok {
			query = "SELECT /*+ MAX_EXECUTION_TIME(" + milliseconds(q.limits.Statement) + ") */ " + rest
		}
		set = append(set, "max_statement_time = "+seconds(q.limits.Statement))
	}
	if q.limits.Lock > 0 {
		set = append(set, "lock_wait_timeout = "+wholeSeconds(q.limits.Lock))
	}
	if len(set) == 0 {
		return query
	}
	return "/*M! SET STATEMENT " + strings.Join(set, ", ") + " FOR */ " + query
}

// mysqlRestore is for failures on the way back: it bounds what a connection may
// take that is to be given back.
const mysqlRestore = 5 * time.Second

// mysqlWrite changes the settings of one connection for one transaction, and
// back. A connection on which that fails is closed: the app never gets one
// with settings of ours.
func (d *Dialect) mysqlWrite(ctx context.Context, db *bun.DB, l Limits, fn func(ctx context.Context, tx bun.Tx) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Conn.ExecContext(ctx, mysqlSettings(l))
	if err != nil {
		discard(conn.Conn)
		_ = conn.Close()
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		mysqlGiveBack(ctx, conn.Conn)
		return err
	}
	return ended(ctx, tx, fn, func() { mysqlGiveBack(ctx, conn.Conn) })
}

// mysqlGiveBack returns a connection to the pool as it was.
func mysqlGiveBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mysqlRestore)
	defer cancel()
	if _, err := conn.ExecContext(ctx, mysqlSettingsBefore); err != nil {
		discard(conn)
	}
	_ = conn.Close() // what it reports, the transaction has reported
}

// discard makes the pool close a connection.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// mysqlSettings is one statement, which keeps in variables of the session what
// was set before.
//
// Strict mode turns a value that would be cut into an error. At READ COMMITTED
// an update locks the rows that it changes, and not the gaps between them, into
// which the app inserts; where the binary log holds statements the server
// refuses that level, so it is left as it is. Waits for a lock, and for the client,
// are counted in whole seconds.
func mysqlSettings(l Limits) string {
	set := []string{
		"@bgt_mode = @@sql_mode, @bgt_lock = @@innodb_lock_wait_timeout, @bgt_meta = @@lock_wait_timeout, @bgt_wait = @@wait_timeout",
		"sql_mode = concat_ws(',', nullif(@@sql_mode, ''), 'STRICT_TRANS_TABLES')",
	}
	if l.Lock > 0 {
		set = append(set, "innodb_lock_wait_timeout = "+wholeSeconds(l.Lock), "lock_wait_timeout = "+wholeSeconds(l.Lock))
	}
	if l.Idle > 0 {
		set = append(set, "wait_timeout = "+wholeSeconds(l.Idle))
	}
	level := func(variable string) string {
		return "@bgt_level = @@" + variable + ", " + variable + " = if(@@log_bin AND @@binlog_format = 'STATEMENT', @@" + variable + ", 'READ-COMMITTED')"
	}
	mariadb := level("tx_isolation") + ", @bgt_time = @@max_statement_time"
	mysql := level("transaction_isolation") + ", @bgt_time = @@max_execution_time"
	if l.Statement > 0 {
		mariadb += ", max_statement_time = " + seconds(l.Statement)
		mysql += ", max_execution_time = " + milliseconds(l.Statement)
	}
	return "SET " + strings.Join(set, ", ") + " /*M! , " + mariadb + " */ /*!50720 , " + mysql + " */"
}

// mysqlSettingsBefore undoes mysqlSettings.
const mysqlSettingsBefore = "SET sql_mode = @bgt_mode, innodb_lock_wait_timeout = @bgt_lock, lock_wait_timeout = @bgt_meta, wait_timeout = @bgt_wait" +
	" /*M! , tx_isolation = @bgt_level, max_statement_time = @bgt_time */" +
	" /*!50720 , transaction_isolation = @bgt_level, max_execution_time = @bgt_time */"

// wholeSeconds rounds up: less than was asked for would cut off who is in time.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(d+time.Second-1, time.Second)/time.Second), 10)
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(1, d.Milliseconds()), 10)
}

// seconds returns at least a millisecond, for 0 means no limit.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(max(d, time.Millisecond).Seconds(), 'f', 3, 64)
}
