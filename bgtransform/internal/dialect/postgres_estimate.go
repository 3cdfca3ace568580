package dialect

import (
	"context"

	"github.com/uptrace/bun"
)

// postgresSize goes by what the last ANALYZE or VACUUM found, and by how much
// the files have grown since, as the planner does. Of a partitioned table it
// adds up the partitions; if one that holds something was never looked at, it
// knows nothing.
const postgresSize = `
SELECT CASE WHEN count(*) = count(n) THEN COALESCE(sum(n), -1) ELSE -1 END
FROM (
	SELECT CASE
		WHEN pg_relation_size(c.oid) = 0 THEN 0
		WHEN c.reltuples >= 0 AND c.relpages > 0
			THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / CAST(current_setting('block_size') AS bigint))
	END AS n
	FROM pg_class AS c
	WHERE c.relkind = 'r' AND (c.oid = to_regclass(?) OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(?))))
) AS parts`

func postgresEstimate(ctx context.Context, db bun.IDB, table Table) (int64, error) {
	var n float64
	err := db.QueryRowContext(ctx, postgresSize, table.SQL, table.SQL).Scan(&n)
	return int64(n), err
}
