package faulttest

import (
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func openPostgres(dsn string) (*bun.DB, error) {
	db, err := pool("pgx", dsn)
	if err != nil {
		return nil, err
	}
	return bun.NewDB(db, pgdialect.New()), nil
}

// postgresOn makes a database on a server. Its connections tell whose they are.
func postgresOn(t testing.TB, server *testserver.Postgres) *database {
	t.Helper()
	dsn := server.Database(t)
	db, err := openPostgres(dsn)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return &database{
		DB: db, kind: "postgres", server: server.Server,
		dsn: func(user string) string { return dsn + "&application_name=" + user },
		audit: []string{
			`CREATE TABLE audit (seq bigserial PRIMARY KEY, id bigint NOT NULL, value bigint, who text NOT NULL, attempt bigint)`,
			`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO audit (id, value, who, attempt) VALUES (NEW.id, NEW.length_ms, current_setting('application_name'),
					(SELECT attempt FROM bgtransform_ranges WHERE name = '` + transform + `'));
				RETURN NEW;
			END $$`,
			`CREATE TRIGGER note AFTER UPDATE ON tracks FOR EACH ROW EXECUTE FUNCTION note()`,
		},
	}
}
