package dbfaulttest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"
)

// Item is what the tests transform: dst is to become src * 1000.
type Item struct {
	bun.BaseModel `bun:"table:items,alias:i"`

	ID  int64  `bun:"id,pk"`
	Src int64  `bun:"src"`
	Dst *int64 `bun:"dst"`
}

// factor makes a dst of a src.
const factor = 1000

// gap is the distance of two keys, so that rows can be inserted anywhere.
const gap = 10

// seed makes the table with n rows and its audit. The app raises ver with each of
// its own writes, and the engine does not know that column.
func (p place) seed(t testing.TB, db *bun.DB, n int) {
	t.Helper()
	serial := map[string]string{postgres: "bigserial PRIMARY KEY", mariadb: "bigint AUTO_INCREMENT PRIMARY KEY", sqlite: "INTEGER PRIMARY KEY"}[p.kind]
	exec(t, db,
		"CREATE TABLE items (id bigint NOT NULL PRIMARY KEY, src bigint NOT NULL, dst bigint, ver bigint NOT NULL DEFAULT 0, pad varchar(2000) NOT NULL DEFAULT '')",
		"CREATE TABLE audit (n "+serial+", id bigint, src_was bigint, dst_was bigint, src_is bigint, dst_is bigint, by_app bigint)",
		"CREATE INDEX audit_of ON audit (id)", // who looks at the audit in the end looks row by row
	)
	const record = "INSERT INTO audit (id, src_was, dst_was, src_is, dst_is, by_app) VALUES (new.id, old.src, old.dst, new.src, new.dst, new.ver - old.ver)"
	switch p.kind {
	case postgres:
		exec(t, db,
			"CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+record+"; RETURN NULL; END $$",
			"CREATE TRIGGER record AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION record()")
	case mariadb:
		exec(t, db, "CREATE TRIGGER record AFTER UPDATE ON items FOR EACH ROW "+record)
	default:
		exec(t, db, "CREATE TRIGGER record AFTER UPDATE ON items BEGIN "+record+"; END")
	}
	p.insert(t, db, 1, n)
}

// insert adds n pending rows, the first of which is the from-th.
func (p place) insert(t testing.TB, db *bun.DB, from, n int) {
	t.Helper()
	for n > 0 {
		some := min(n, 1000)
		values := make([]string, some)
		for i := range values {
			values[i] = fmt.Sprintf("(%d, %d)", (from+i)*gap, from+i)
		}
		exec(t, db, "INSERT INTO items (id, src) VALUES "+strings.Join(values, ", "))
		from, n = from+some, n-some
	}
}

// wantOnce fails unless each of n rows was written exactly once, by the engine,
// and rightly, and the engine counts as many.
func (p place) wantOnce(t testing.TB, db *bun.DB, n, counted int64) {
	t.Helper()
	p.wantRight(t, db, counted)
	if got := number(t, db, "SELECT count(*) FROM items"); got != n {
		t.Errorf("there are %d rows, want %d", got, n)
	}
	if got := number(t, db, "SELECT count(*) FROM audit"); got != n {
		t.Errorf("rows were written %d times in all, want %d", got, n)
	}
	if got := number(t, db, "SELECT count(*) FROM (SELECT id FROM audit GROUP BY id HAVING count(*) <> 1) AS twice"); got != 0 {
		t.Errorf("%d rows were not written exactly once", got)
	}
}

// wantDone fails if a row is pending or wrong.
func (p place) wantDone(t testing.TB, db *bun.DB) {
	t.Helper()
	query := fmt.Sprintf("SELECT count(*) FROM items WHERE NOT (dst <=> src * %d)", factor)
	if got := number(t, db, p.text(query)); got != 0 {
		t.Errorf("%d rows are pending or wrong", got)
	}
}

// wantRight fails if a row is pending or wrong, or if any write of the engine met
// another row than it had read, or if it counts other writes than it made.
func (p place) wantRight(t testing.TB, db *bun.DB, counted int64) {
	t.Helper()
	for what, query := range map[string]string{
		"rows are pending":                                "SELECT count(*) FROM items WHERE dst IS NULL",
		"rows have a wrong dst":                           fmt.Sprintf("SELECT count(*) FROM items WHERE NOT (dst <=> src * %d) AND NOT (dst <=> -ver)", factor),
		"writes overwrote the app's dst":                  "SELECT count(*) FROM audit WHERE by_app = 0 AND dst_was IS NOT NULL",
		"writes changed src":                              "SELECT count(*) FROM audit WHERE by_app = 0 AND NOT (src_was <=> src_is)",
		"writes came from another src than the row's own": fmt.Sprintf("SELECT count(*) FROM audit WHERE by_app = 0 AND NOT (dst_is <=> src_was * %d)", factor),
		"writes of the app were lost": "SELECT count(*) FROM items WHERE ver <> " +
			"(SELECT count(*) FROM audit WHERE audit.id = items.id AND by_app = 1)",
	} {
		if got := number(t, db, p.text(query)); got != 0 {
			t.Errorf("%d %s", got, what)
		}
	}
	if got := number(t, db, "SELECT count(*) FROM audit WHERE by_app = 0"); got != counted {
		t.Errorf("the engine counts %d rows, the audit has %d writes of it", counted, got)
	}
}
