package testserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"testing"
)

// StartPostgresReplica starts a server that follows primary, a server of the test's
// own, by streaming, and may be read. The primary knows it by the given name. Its
// replay is paused with pg_wal_replay_pause().
func StartPostgresReplica(t testing.TB, primary *Postgres, name string, settings ...string) *Postgres {
	t.Helper()
	in, err := launchPostgresReplica(primary.in, append([]string{"cluster_name=" + name}, settings...))
	must(t, "start a replica of a PostgreSQL", err)
	p := &Postgres{own(t, in)}
	p.ask(t, "wait until the replica follows", func(ctx context.Context) error {
		db := openPostgres(primary.in)
		defer func() { _ = db.Close() }()
		return until(ctx, func(ctx context.Context) error { return followed(ctx, db, name) })
	})
	return p
}

// followed returns nil once a replica of that name is streaming.
func followed(ctx context.Context, primary *sql.DB, name string) error {
	var streaming int
	err := primary.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming' AND replay_lsn IS NOT NULL", name).Scan(&streaming)
	if err == nil && streaming == 0 {
		err = fmt.Errorf("replica %s is not streaming", name)
	}
	return err
}

func launchPostgresReplica(primary *instance, settings []string) (*instance, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	k, err := postgresKind(as, 0, nil, settings)
	if err != nil {
		return nil, err
	}
	copier, err := find("pg_basebackup", postgresPlaces()...)
	if err != nil {
		return nil, err
	}
	dir, err := fill(func(d *directory) error {
		if err := errors.Join(os.Mkdir(d.file(data), 0o700), as.give(d.file(data))); err != nil {
			return err
		}
		return run(d, as, copier, "--pgdata="+d.file(data), "--dbname="+postgresURL(primary, "postgres"),
			"--checkpoint=fast", "--wal-method=stream", "--no-sync", "--write-recovery-conf")
	})
	if err != nil {
		return nil, err
	}
	return launch(k, dir)
}
