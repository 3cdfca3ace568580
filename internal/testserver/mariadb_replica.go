package testserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
)

// StartMariaDBPrimary starts a server for one test that others can follow.
func StartMariaDBPrimary(t testing.TB, settings ...string) *MariaDB {
	t.Helper()
	return StartMariaDB(t, append([]string{"server-id=1", "log-bin=bin"}, settings...)...)
}

// StartMariaDBReplica starts a server that follows primary, made by
// [StartMariaDBPrimary], from its first change on.
func StartMariaDBReplica(t testing.TB, primary *MariaDB, settings ...string) *MariaDB {
	t.Helper()
	replica := StartMariaDB(t, append([]string{"server-id=2"}, settings...)...)
	replica.ask(t, "follow a MariaDB", func(ctx context.Context) error {
		return execute(ctx, openMariaDB(replica.in),
			"CHANGE MASTER TO MASTER_HOST = '"+host+"', MASTER_PORT = "+primary.in.port.text()+", MASTER_USER = 'root', MASTER_USE_GTID = slave_pos",
			"START SLAVE")
	})
	replica.ask(t, "wait until the replica follows", func(ctx context.Context) error {
		from, to := openMariaDB(primary.in), openMariaDB(replica.in)
		defer func() { _ = errors.Join(from.Close(), to.Close()) }()
		return until(ctx, func(ctx context.Context) error { return caughtUp(ctx, from, to) })
	})
	return replica
}

// caughtUp returns nil once a replica has what its primary had.
func caughtUp(ctx context.Context, primary, replica *sql.DB) error {
	var written, applied string
	if err := primary.QueryRowContext(ctx, "SELECT @@gtid_binlog_pos").Scan(&written); err != nil {
		return err
	}
	if err := replica.QueryRowContext(ctx, "SELECT @@gtid_slave_pos").Scan(&applied); err != nil {
		return err
	}
	if written != applied {
		return fmt.Errorf("the primary has written to %q, the replica applied to %q", written, applied)
	}
	return nil
}
