package bgtransform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// piece is a row with a key that is no integer.
type piece struct {
	bun.BaseModel `bun:"table:pieces"`

	ID string `bun:"id,pk"`
	V  *int64 `bun:"v"`
}

// bytePiece is a piece whose key is bytes.
type bytePiece struct {
	bun.BaseModel `bun:"table:pieces"`

	ID []byte `bun:"id,pk"`
	V  *int64 `bun:"v"`
}

// pairPiece is a piece with a key of two columns.
type pairPiece struct {
	bun.BaseModel `bun:"table:pieces"`

	Tenant int64  `bun:"tenant,pk"`
	ID     string `bun:"id,pk"`
	V      *int64 `bun:"v"`
}

func piecesBySQL[M any]() bgtransform.SQL[M] {
	return bgtransform.SQL[M]{Name: "x", Pending: "v IS NULL", Set: "v = 1", Writes: []string{"v"}}
}

// A sample is spread over the table by whatever key it has, so that it sees that only
// the second half is pending.
func TestPlanSpreadsItsSample(t *testing.T) {
	t.Parallel()
	const n = 3000
	ofUUID := func(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", uint32(i)*1_400_000) }
	serial := func(i int) string { return fmt.Sprintf("order-%06d", i) }
	byText := piecesBySQL[piece]()
	onEachDatabase(t, func(t *testing.T, d database) {
		binary := map[string]string{"sqlite": "blob", "pg": "bytea", "mysql": "varbinary(40)"}[d.kind]
		uuid := map[string]string{"sqlite": "text", "pg": "uuid", "mysql": "char(36)"}[d.kind]
		for name, c := range map[string]struct {
			cols string
			key  func(i int) string // as a literal
			tr   bgtransform.Transform
			by   string // empty: not spread
		}{
			"UUID":      {"id " + uuid + " PRIMARY KEY", func(i int) string { return "'" + ofUUID(i) + "'" }, byText, "id"},
			"text":      {"id varchar(40) PRIMARY KEY", func(i int) string { return "'" + serial(i) + "'" }, byText, "id"},
			"bytes":     {"id " + binary + " PRIMARY KEY", func(i int) string { return literalOf(d.kind, "0123456789"+serial(i)) }, piecesBySQL[bytePiece](), "id"},
			"one first": {"tenant int, id varchar(40), PRIMARY KEY (tenant, id)", func(i int) string { return "7, '" + serial(i) + "'" }, piecesBySQL[pairPiece](), "id"},
			"composite": {"tenant int, id varchar(40), PRIMARY KEY (tenant, id)", func(i int) string { return fmt.Sprintf("%d, '%s'", i/100, serial(i)) }, piecesBySQL[pairPiece](), "tenant"},
			"not ASCII": {"id varchar(40) PRIMARY KEY", func(i int) string { return fmt.Sprintf("'%c'", rune('一'+i)) }, byText, ""},
		} {
			db := newDatabase(t, d.kind).open(t)
			exec(t, db, "CREATE TABLE pieces (v int, "+c.cols+")"+map[string]string{"mysql": " CHARACTER SET utf8mb4"}[d.kind])
			var rows []string
			for i := range n {
				v := "1"
				if i >= n/2 {
					v = "NULL"
				}
				rows = append(rows, "("+v+", "+c.key(i)+")")
			}
			exec(t, db, "INSERT INTO pieces VALUES "+strings.Join(rows, ", "))
			plan := planOf(t, db, quick(t), bgtransform.PlanOptions{Batches: 10}, c.tr)
			keys, found := 0, 0
			for _, b := range plan.Batches {
				keys, found = keys+b.Keys, found+b.Found
			}
			if c.by == "" {
				if plan.Part != bgtransform.PlanFirst || plan.SpreadBy != "" || found != 0 || !strings.Contains(plan.String(), "of the table's first rows") {
					t.Errorf("%s: the plan is %+v, want one of the first rows", name, plan)
				}
				continue
			}
			if plan.Part != bgtransform.PlanSpread || plan.SpreadBy != c.by || keys != 1000 || found < 350 || found > 650 {
				t.Errorf("%s: of %d keys %d are pending, by %q; want about half of 1000, spread by %s", name, keys, found, plan.SpreadBy, c.by)
			}
			if name == "UUID" && (plan.Keys < n*8/10 || plan.Keys > n*12/10) {
				t.Errorf("%s: rows are said to be %d keys of %d", name, plan.Keys, n)
			}
		}
	})
}

// literalOf spells a text as bytes.
func literalOf(kind, text string) string {
	if kind == "pg" {
		return fmt.Sprintf(`'\x%x'`, text)
	}
	return fmt.Sprintf("x'%x'", text)
}

// A table that is smaller than the sample is walked once, whatever its keys are.
func TestPlanOfASmallTable(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		exec(t, db, "CREATE TABLE pieces (id varchar(40) PRIMARY KEY, v int)")
		for _, rows := range []int64{0, 1, 150} {
			for i := count(t, db, "SELECT count(*) FROM pieces"); i < rows; i++ {
				exec(t, db, fmt.Sprintf("INSERT INTO pieces VALUES ('order-%06d', NULL)", i))
			}
			plan := planOf(t, db, quick(t), bgtransform.PlanOptions{}, piecesBySQL[piece]())
			if plan.Part != bgtransform.PlanWhole || plan.Keys != rows || plan.Pending != rows {
				t.Errorf("of %d rows the plan is %+v", rows, plan)
			}
		}
	})
}
