package keyset_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// I4: a range is found, read and updated through the index, without looking at what lies
// before or behind it, whatever share of it is pending. The server itself counts
// the blocks it touches: about as many for the first range of a large table as
// for the last.
func TestI4WalkOnPostgresReadsOnlyItsRange(t *testing.T) {
	t.Parallel()
	const limit = 200
	large := []string{"an integer", "a UUID", "a text as English sorts", "few before many", "three of all kinds"}
	dsn := newPostgres(t)
	for _, k := range postgresKeys() {
		if k.max > 0 && k.max < limit {
			continue // a range of so few is the table
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			rows := 40_000
			if slices.Contains(large, k.name) && !raceEnabled { // the server is no slower then, but CI has both runs
				rows = 200_000
			}
			dsn.fill(t, k, rows)
			db := dsn.open(t, k, "")
			w := postgresWalk(t, db)
			for _, share := range []float64{-1, 0.01, 0.5, 0.9} { // how far in the table
				var after keyset.Key
				if share >= 0 {
					after = k.keyAt(t, db, w, int(share*float64(min(rows, cmp.Or(k.max, rows)))))
				}
				seen := &explained{Querier: bound(t, db)}
				r, err := w.Next(t.Context(), seen, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if r.N != limit {
					t.Fatalf("a range of %d keys holds %d", limit, r.N)
				}
				seen.check(t, "find", share, limit)
				cond, args := w.Within(r)
				for _, pending := range []string{"", " AND filler IS NULL"} { // all, and none
					seen.query, seen.args = "SELECT filler FROM t AS x WHERE "+cond+pending+" ORDER BY "+w.Order(), args
					seen.check(t, "read"+pending, share, limit)
				}
				seen.query, seen.args = "UPDATE t AS x SET filler = '' WHERE "+cond+" AND filler IS NULL", args // none, so that it writes none
				seen.check(t, "update", share, limit)
			}
		})
	}
}

// explained keeps the last statement that a walk has sent.
type explained struct {
	dialect.Querier
	query string
	args  []any
}

func (e *explained) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	e.query, e.args = query, args
	return e.Querier.QueryRowContext(ctx, query, args...)
}

// planNode is a node of a plan that was carried out.
type planNode struct {
	Type    string  `json:"Node Type"`
	Index   string  `json:"Index Name"`
	Rows    float64 `json:"Actual Rows"`
	Removed float64 `json:"Rows Removed by Filter"`
	Hit     int     `json:"Shared Hit Blocks"`
	Read    int     `json:"Shared Read Blocks"`
	Plans   []planNode
}

// String lists the nodes, each with its index and the rows that came of it.
func (p planNode) String() string {
	text := fmt.Sprintf("%s %s (%.0f rows, %.0f removed)", p.Type, p.Index, p.Rows, p.Removed)
	for _, child := range p.Plans {
		text += " < " + child.String()
	}
	return text
}

// check fails unless the last statement touches a block for each row of a range,
// and a few of the index, but no more.
func (e *explained) check(t *testing.T, what string, share float64, limit int) {
	t.Helper()
	plan := e.explain(t)
	text := plan.String()
	if blocks := plan.Hit + plan.Read; blocks > limit+20 || blocks == 0 || strings.Contains(text, "Seq Scan") || !strings.Contains(text, "t_pkey") {
		t.Errorf("to %s %d rows behind the share %v of the table touches %d blocks: %s", what, limit, share, blocks, text)
	}
}

// explain carries the statement out once more.
func (e *explained) explain(t *testing.T) planNode {
	t.Helper()
	var text []byte
	if err := e.Querier.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+e.query, e.args...).Scan(&text); err != nil {
		t.Fatalf("explain %s: %v", e.query, err)
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		t.Fatalf("plan %s: %v", text, err)
	}
	return plans[0].Plan
}
