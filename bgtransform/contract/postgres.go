package contract

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// briefly is how much longer than its wait for the table a statement may take that
// has it to itself. It changes the catalog only; should it ever look at
// rows after all, the app is not kept out for that.
const briefly = 2 * time.Second

// postgresTable finds the table, and calls it by its schema from here on.
func (r *run) postgresTable(ctx context.Context) error {
	var schema, kind string
	err := r.d.Bound(r.db).QueryRowContext(ctx, "SELECT CAST(c.oid AS bigint), n.nspname, CAST(c.relkind AS text)"+
		" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = to_regclass("+dialect.Arg+")", r.from).
		Scan(&r.oid, &schema, &kind)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refused("there is no such table")
	case err != nil:
		return err
	case kind == "r", kind == "p":
		r.schemaSQL, r.partitioned = r.quote(schema), kind == "p"
		r.from = r.schemaSQL + "." + r.quote(r.table)
		return nil
	default:
		return refused("it is a view, a foreign table or the like; change the table below it")
	}
}

// postgresBrief runs statements that need the table to themselves for a moment, in
// one transaction.
func (r *run) postgresBrief(statements ...string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return r.postgresTx(ctx, r.lock, r.lock+briefly, statements)
	}
}

// postgresBeside runs a statement that works beside the app, and may take as long as
// it needs.
func (r *run) postgresBeside(say, statement string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return r.watching(ctx, say, r.postgresWaits, func() error {
			return r.postgresTx(ctx, 0, 0, []string{statement})
		})
	}
}

// postgresTx runs statements in one transaction, under limits of their own.
func (r *run) postgresTx(ctx context.Context, lock, statement time.Duration, statements []string) error {
	return r.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		set := fmt.Sprintf("SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d", lock.Milliseconds(), statement.Milliseconds())
		for _, s := range append([]string{set}, statements...) {
			if _, err := tx.Tx.ExecContext(ctx, s); err != nil {
				return r.postgresError(ctx, err, statement == 0)
			}
		}
		return nil
	})
}

// postgresConcurrently runs a statement that no transaction may contain.
func (r *run) postgresConcurrently(ctx context.Context, say, statement string) error {
	conn, err := r.db.DB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what it reports, the statement has reported
	var unlimited bool
	err = conn.QueryRowContext(ctx, "SELECT current_setting('lock_timeout') = '0' AND current_setting('statement_timeout') = '0'").Scan(&unlimited)
	if err != nil {
		return err
	}
	if !unlimited {
		// The app never gets a connection with settings of ours.
		defer func() { _ = conn.Raw(func(any) error { return driver.ErrBadConn }) }()
		if _, err := conn.ExecContext(ctx, "SET lock_timeout = 0; SET statement_timeout = 0"); err != nil {
			return err
		}
	}
	return r.watching(ctx, say, r.postgresWaits, func() error {
		_, err := conn.ExecContext(ctx, statement)
		return r.postgresError(ctx, err, true)
	})
}

// postgresError tells what another call, or somebody else, has done meanwhile. A
// statement without a limit is cancelled by an operator only.
func (r *run) postgresError(ctx context.Context, err error, unlimited bool) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	switch code := r.d.Code(err); {
	case code == "42710", code == "42P07", code == "42704", code == "42703" && !unlimited: // there already, or gone already
		return fmt.Errorf("%w: %w", errMeanwhile, err)
	case code == "57014" && unlimited:
		return &failure{text: "somebody has cancelled it on the server", cause: err}
	default:
		return err
	}
}

// postgresHolder tells who has had the table for the longest time. What it runs may
// hold values of rows, and is left out.
func (r *run) postgresHolder(ctx context.Context) (string, error) {
	return r.ask(ctx, `SELECT coalesce((SELECT format('pid %s (%s, %s), in a transaction for %s s', a.pid, a.application_name, a.state,
	CAST(extract(epoch FROM clock_timestamp() - a.xact_start) AS bigint))
	FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
	WHERE l.locktype = 'relation' AND l.relation IN (SELECT CAST(`+dialect.Arg+` AS oid) UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(`+dialect.Arg+` AS oid))
		AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.pid <> pg_backend_pid()
	ORDER BY a.xact_start LIMIT 1), '')`, r.oid, r.oid)
}

// postgresWaits tells how far statements of ours on the table are, and for whom they wait.
func (r *run) postgresWaits(ctx context.Context) (string, error) {
	return r.ask(ctx, `SELECT coalesce((SELECT string_agg(concat_ws(', ', p.phase, p.blocks_done || ' of ' || p.blocks_total || ' blocks',
		'waits for pid ' || nullif(array_to_string(pg_blocking_pids(l.pid), ', '), '')), '; ')
	FROM pg_locks AS l LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = l.pid
	WHERE l.locktype = 'relation' AND l.relation = CAST(`+dialect.Arg+` AS oid) AND l.mode = 'ShareUpdateExclusiveLock'), '')`, r.oid)
}

// ask returns the one text that a query answers with.
func (r *run) ask(ctx context.Context, query string, args ...any) (string, error) {
	var answer string
	err := r.d.Bound(r.db).QueryRowContext(ctx, query, args...).Scan(&answer)
	return strings.TrimSpace(answer), err
}
