package contract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// How an ALTER goes about it, from what costs the least. Each refuses what it cannot
// do, where the default would copy the table and lock writers out.
const (
	mysqlInstant = "ALGORITHM=INSTANT"
	mysqlOnline  = "ALGORITHM=INPLACE, LOCK=NONE"
	mysqlCopying = "ALGORITHM=COPY, LOCK=NONE" // MariaDB from 11.2 on
)

// mysqlAlter alters the table in the first of some ways that the server knows.
func (r *run) mysqlAlter(say, clause string, ways ...string) *step {
	return &step{say, func(ctx context.Context) error {
		var no error
		for _, way := range ways {
			err := r.mysqlStatement(ctx, say, "ALTER TABLE "+r.from+" "+clause+", "+way)
			switch r.d.Code(err) {
			case "1845", "1846", "1221": // this way is not supported, for a reason or without one, or not together with LOCK
				no = err
			case "1061", "1091", "1826": // there already, or gone already
				return fmt.Errorf("%w: %w", errMeanwhile, err)
			default:
				return err
			}
		}
		return &failure{kind: ErrRefused, cause: no, text: fmt.Sprintf("the server cannot do that beside the app's writes: %v. A tool that copies the table beside the app, such as gh-ost, can; or do it by hand in a downtime", no)}
	}}
}

// mysqlStatement runs a statement in a session of its own.
func (r *run) mysqlStatement(ctx context.Context, say, statement string) error {
	return r.mysqlSession(ctx, func(conn bun.Conn, id int64) error {
		how := func(ctx context.Context) (string, error) {
			return r.ask(ctx, "SELECT concat(state, coalesce(concat(', ', progress, ' %'), '')) FROM information_schema.processlist WHERE id = "+dialect.Arg, id)
		}
		return r.watching(ctx, say, how, func() error {
			_, err := conn.Conn.ExecContext(ctx, statement)
			return err
		})
	})
}

// mysqlSession runs fn on a connection with settings of ours, which the app never gets
// back. When ctx ends, it ends what the server does for it: the driver only hangs up,
// which the server would notice when it is done.
func (r *run) mysqlSession(ctx context.Context, fn func(conn bun.Conn, id int64) error) error {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	closed := false
	hangUp := func() {
		if !closed {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
			_ = conn.Close() // what it reports, fn has reported
		}
		closed = true
	}
	defer hangUp()
	var id int64
	if err := conn.Conn.QueryRowContext(ctx, "SELECT connection_id()").Scan(&id); err != nil {
		return err
	}
	// Without strict mode NOT NULL would make zeros of nulls; in another character set a
	// comment that is read would be written back with holes.
	settings := fmt.Sprintf("SET NAMES utf8mb4, sql_mode = 'STRICT_TRANS_TABLES', lock_wait_timeout = %d /*M! , max_statement_time = 0 */ /*!50720 , max_execution_time = 0 */",
		max(1, int64((r.lock+time.Second-1)/time.Second)))
	if _, err := conn.Conn.ExecContext(ctx, settings); err != nil {
		return err
	}
	err = fn(conn, id)
	if err != nil && ctx.Err() != nil {
		hangUp()
		r.mysqlKill(ctx, id)
	}
	return err
}

// mysqlKill ends a connection of ours on the server, which takes back what it was
// about to do.
func (r *run) mysqlKill(ctx context.Context, id int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpWithin)
	defer cancel()
	_, err := r.db.DB.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
	if err != nil && r.d.Code(err) != "1094" { // it has ended already
		r.logger.WarnContext(ctx, "a statement may still run on the server", "table", r.table, "connection", id, "error", err)
	}
}

// mysqlHolder tells of the oldest transaction there is: the server does not say
// whose the table is.
func (r *run) mysqlHolder(ctx context.Context) (string, error) {
	who, err := r.ask(ctx, "SELECT concat('perhaps connection ', trx_mysql_thread_id, ', in a transaction for ', timestampdiff(SECOND, trx_started, now()), ' s')"+
		" FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 1")
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return who, err
}

// inDatabase is a condition for the catalog's lines about the table; schema and table
// are the names of its columns. [run.mysqlNamed] are its arguments.
func inDatabase(schema, table string) string {
	return schema + " = coalesce(nullif(" + dialect.Arg + ", ''), database()) AND " + table + " = " + dialect.Arg
}

func (r *run) mysqlNamed(more ...any) []any { return append([]any{r.schema, r.table}, more...) }
