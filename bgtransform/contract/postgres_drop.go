package contract

import (
	"context"
	"errors"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

func (r *run) postgresDropColumn(column string) plan {
	return func(ctx context.Context) (*step, error) {
		s, err := r.postgresColumn(ctx, column)
		switch {
		case errors.Is(err, errNoColumn):
			return nil, nil
		case err != nil:
			return nil, err
		case s.attached:
			return nil, refused("column %q belongs to the table that this one is a partition or a child of; drop it there", column)
		case s.key:
			return nil, refused("column %q is part of the primary key", column)
		}
		by, err := r.postgresNeeded(ctx, column)
		if err != nil {
			return nil, err
		}
		if err := needed(column, by); err != nil {
			return nil, err
		}
		return &step{"drop the column", r.postgresBrief("ALTER TABLE " + r.from + " DROP COLUMN " + r.quote(column))}, nil
	}
}

// postgresNeeded lists what needs a column: what the server would refuse to drop it
// for, indexes and constraints over other columns too, which it would drop without
// a word, and functions of triggers, whose text it does not read.
func (r *run) postgresNeeded(ctx context.Context, column string) ([]string, error) {
	by, err := r.texts(ctx, `
WITH RECURSIVE dropped (classid, objid, objsubid, own) AS (
	SELECT CAST('pg_class' AS regclass), attrelid, CAST(attnum AS int), true
	FROM pg_attribute WHERE attrelid = CAST(`+dialect.Arg+` AS oid) AND attname = `+dialect.Arg+`
	UNION
	SELECT CAST(d.classid AS regclass), d.objid, d.objsubid, d.deptype IN ('a', 'i') FROM dropped
	JOIN pg_depend AS d ON d.refclassid = dropped.classid AND d.refobjid = dropped.objid AND (d.refobjsubid = dropped.objsubid OR dropped.objsubid = 0)
	WHERE dropped.own AND d.deptype IN ('a', 'i', 'n')
)
SELECT pg_describe_object(classid, objid, objsubid) FROM dropped AS d WHERE NOT own
	AND NOT EXISTS (SELECT FROM dropped AS o WHERE o.own AND (o.classid, o.objid) = (d.classid, d.objid))
UNION
SELECT pg_describe_object(CAST('pg_class' AS regclass), i.indexrelid, 0) FROM dropped JOIN pg_index AS i ON dropped.classid = CAST('pg_class' AS regclass) AND i.indexrelid = dropped.objid
	WHERE i.indnatts > 1
UNION
SELECT pg_describe_object(CAST('pg_constraint' AS regclass), c.oid, 0) FROM dropped JOIN pg_constraint AS c ON dropped.classid = CAST('pg_constraint' AS regclass) AND c.oid = dropped.objid
	WHERE array_length(c.conkey, 1) > 1`, r.oid, column)
	if err != nil {
		return nil, err
	}
	rows, err := r.d.Bound(r.db).QueryContext(ctx, "SELECT t.tgname, p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid"+
		" WHERE t.tgrelid = CAST("+dialect.Arg+" AS oid) AND NOT t.tgisinternal AND t.tgenabled <> 'D'", r.oid)
	if err != nil {
		return nil, err
	}
	triggers, err := naming(rows, column)
	return append(by, triggers...), err
}
