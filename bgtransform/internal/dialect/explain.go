package dialect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Access is how a statement gets at the rows of one table. It holds no values.
type Access struct {
	Table string
	By    string // what the server calls it: "Index Scan tracks_pkey"
	Whole bool   // it reads the table from its first row to its last, and the table is not small
}

// What a server is said to read whole: it reads small tables so, and is right.
const (
	wholeCost = 100  // in PostgreSQL's unit; a table of about 5000 rows
	wholeRows = 5000 // that MariaDB expects to read
)

// Explain asks the server how it would run a statement, which is not run.
func (d *Dialect) Explain(ctx context.Context, q Querier, query string, args []any) ([]Access, error) {
	var found []Access
	var err error
	switch d.Name {
	case "pg":
		found, err = explainPostgres(ctx, q, query, args)
	case "mysql":
		found, err = explainMySQL(ctx, q, query, args)
	default:
		found, err = explainSQLite(ctx, q, query, args)
	}
	if err != nil {
		return nil, fmt.Errorf("explain a statement: %w", err)
	}
	return found, nil
}

// pgNode is one step of PostgreSQL's plan.
type pgNode struct {
	Type     string   `json:"Node Type"`
	Relation string   `json:"Relation Name"`
	Index    string   `json:"Index Name"`
	Cost     float64  `json:"Total Cost"`
	Plans    []pgNode `json:"Plans"`
}

func explainPostgres(ctx context.Context, q Querier, query string, args []any) ([]Access, error) {
	var text string
	if err := q.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) "+query, args...).Scan(&text); err != nil {
		return nil, err
	}
	var plans []struct{ Plan pgNode }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		return nil, err
	}
	var found []Access
	for _, p := range plans {
		found = p.Plan.accesses(found)
	}
	return found, nil
}

// accesses adds those of a step, and of the steps below, to found.
func (n pgNode) accesses(found []Access) []Access {
	if strings.HasSuffix(n.Type, "Scan") && n.Relation != "" {
		found = append(found, Access{
			Table: n.Relation, By: strings.TrimSpace(n.Type + " " + n.Index),
			Whole: n.Type == "Seq Scan" && n.Cost >= wholeCost,
		})
	}
	for _, p := range n.Plans {
		found = p.accesses(found)
	}
	return found
}

func explainMySQL(ctx context.Context, q Querier, query string, args []any) ([]Access, error) {
	lines, err := explained(ctx, q, "EXPLAIN "+query, args)
	if err != nil {
		return nil, err
	}
	var found []Access
	for _, line := range lines {
		table, kind := line["table"], line["type"]
		if table == "" || strings.HasPrefix(table, "<") {
			continue // of no table, or of what another step has found
		}
		rows, _ := strconv.ParseFloat(line["rows"], 64) // NULL where there are none
		found = append(found, Access{Table: table, By: strings.TrimSpace(kind + " " + line["key"]), Whole: kind == "ALL" && rows >= wholeRows})
	}
	return found, nil
}

func explainSQLite(ctx context.Context, q Querier, query string, args []any) ([]Access, error) {
	lines, err := explained(ctx, q, "EXPLAIN QUERY PLAN "+query, args)
	if err != nil {
		return nil, err
	}
	var found []Access
	for _, line := range lines {
		verb, rest, _ := strings.Cut(line["detail"], " ")
		table, by, _ := strings.Cut(rest, " ")
		if (verb != "SCAN" && verb != "SEARCH") || strings.HasPrefix(table, "bgt_") || strings.HasPrefix(table, "(") || table == "CONSTANT" {
			continue
		}
		// An automatic index is made anew for each statement, of all rows.
		whole := verb == "SCAN" || strings.Contains(by, "AUTOMATIC")
		found = append(found, Access{Table: table, By: strings.TrimSpace(verb + " " + by), Whole: whole})
	}
	return found, nil
}

// explained returns the lines of a plan, each by the names of its columns.
func explained(ctx context.Context, q Querier, query string, args []any) ([]map[string]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(names))
	dest := make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	var lines []map[string]string
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		line := map[string]string{}
		for i, name := range names {
			line[name] = values[i].String
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}
