package contract

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// postgresIndexState is what the catalog says of an index.
type postgresIndexState struct {
	ofTable  bool // it is an index, and of our table
	valid    bool
	unique   bool
	building bool // somebody is at it
	columns  []string
}

// postgresIndex looks an index up; nil when there is nothing of that name.
func (r *run) postgresIndex(ctx context.Context, name string) (*postgresIndexState, error) {
	var s postgresIndexState
	var columns string
	err := r.d.Bound(r.db).QueryRowContext(ctx, `
SELECT coalesce(i.indrelid = t.oid, false), coalesce(i.indisvalid, false), coalesce(i.indisunique, false),
	EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid),
	(SELECT coalesce(json_agg(coalesce(a.attname, '') ORDER BY k.at), '[]') FROM unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY AS k (attnum, at)
		LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
FROM pg_class AS t JOIN pg_class AS c ON c.relnamespace = t.relnamespace AND c.relname = `+dialect.Arg+`
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE t.oid = CAST(`+dialect.Arg+` AS oid)`, name, r.oid).Scan(&s.ofTable, &s.valid, &s.unique, &s.building, &columns)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &s, json.Unmarshal([]byte(columns), &s.columns)
}

func (r *run) postgresCreateIndex(index Index) plan {
	create := "CREATE INDEX CONCURRENTLY "
	if index.Unique {
		create = "CREATE UNIQUE INDEX CONCURRENTLY "
	}
	create += r.quote(index.Name) + " ON " + r.from + " (" + r.quoted(index.Columns) + ")"
	if index.Where != "" {
		create += " WHERE " + index.Where
	}
	return func(ctx context.Context) (*step, error) {
		s, err := r.postgresIndex(ctx, index.Name)
		switch {
		case err != nil:
			return nil, err
		case s == nil && r.partitioned:
			return nil, refused("it is a table of partitions, of which PostgreSQL builds no index beside the app. Call this for each partition, with the same columns," +
				" then CREATE INDEX … ON ONLY the table and ALTER INDEX … ATTACH PARTITION each of them, which are brief")
		case s == nil:
			return r.postgresBuild(index, create), nil
		case !s.ofTable:
			return nil, refused("there is something else of that name in the table's schema; choose another Name")
		case s.building:
			return &step{"wait for the one that builds it", func(context.Context) error { return errElsewhere }}, nil
		}
		if err := index.same(s.columns, s.unique, func(a, b string) bool { return a == b }); err != nil || s.valid {
			return nil, err
		}
		return r.postgresDrop(index.Name, "drop what a build that failed has left"), nil
	}
}

// postgresBuild builds an index. What is left of one that fails is dropped at once: the
// app would pay for it with each write.
func (r *run) postgresBuild(index Index, create string) *step {
	say := "build the index, beside the app"
	return &step{say, func(ctx context.Context) error {
		err := r.postgresConcurrently(ctx, say, create)
		if err == nil || errors.Is(err, errMeanwhile) {
			return err
		}
		duplicates := r.d.Code(err) == "23505" // unique_violation
		if duplicates || ctx.Err() != nil {
			r.postgresCleanUp(ctx, index.Name)
		}
		if duplicates {
			return r.rowsError(index.duplicates(), err)
		}
		return err
	}}
}

// cleanUpWithin bounds what is still done once the context has ended.
const cleanUpWithin = 10 * time.Second

// postgresCleanUp drops what is left of an index. If it fails, the next call does it.
func (r *run) postgresCleanUp(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpWithin)
	defer cancel()
	say := "drop what is left of the index"
	r.logger.InfoContext(ctx, "contract step", "table", r.table, "step", say)
	err := r.postgresConcurrently(ctx, say, "DROP INDEX CONCURRENTLY IF EXISTS "+r.postgresNamed(name))
	if err != nil {
		r.logger.WarnContext(ctx, "an invalid index is left; the next call rebuilds it", "table", r.table, "index", name, "error", err)
	}
}

func (r *run) postgresDropIndex(name string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.postgresIndex(ctx, name)
		switch {
		case err != nil || s == nil:
			return nil, err
		case !s.ofTable:
			return nil, refused("what is of that name is not an index of this table")
		case r.partitioned:
			return &step{"drop the index of all partitions", r.postgresBrief("DROP INDEX " + r.postgresNamed(name))}, nil
		}
		return r.postgresDrop(name, "drop the index, beside the app"), nil
	}
}

func (r *run) postgresDrop(name, say string) *step {
	return &step{say, func(ctx context.Context) error {
		return r.postgresConcurrently(ctx, say, "DROP INDEX CONCURRENTLY "+r.postgresNamed(name))
	}}
}

// postgresNamed is a quoted name in the schema of the table, where its indexes are.
func (r *run) postgresNamed(name string) string { return r.schemaSQL + "." + r.quote(name) }
