package dialect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun"
	bundialect "github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// oracle is a SQLite that says it is something else.
type oracle struct{ *sqlitedialect.Dialect }

func (oracle) Name() bundialect.Name { return bundialect.Oracle }

func TestForNamesWhatIsSupported(t *testing.T) {
	t.Parallel()
	conn := memory(t).DB
	_, err := dialect.For(bun.NewDB(conn, oracle{sqlitedialect.New()}))
	if err == nil || !strings.Contains(err.Error(), "oracle") || !strings.Contains(err.Error(), "sqlite") {
		t.Errorf("For(oracle) = %v, want an error that names it and what is supported", err)
	}
}

func TestColumnsDescribesTables(t *testing.T) {
	t.Parallel()
	db := memory(t)
	exec(t, db, `CREATE TABLE "odd ""name""" (b TEXT, "a?" INTEGER, c INTEGER GENERATED ALWAYS AS (1) VIRTUAL, PRIMARY KEY ("a?", b))`)
	exec(t, db, "ATTACH ':memory:' AS other")
	exec(t, db, "CREATE TABLE other.t (id INTEGER PRIMARY KEY)")
	for name, test := range map[string]struct {
		schema, table string
		want          []dialect.Column
	}{
		"a composite key in its order": {"", `odd "name"`, []dialect.Column{{Name: "b", PK: 2}, {Name: "a?", PK: 1}, {Name: "c"}}},
		"a table of another schema":    {"other", "t", []dialect.Column{{Name: "id", PK: 1}}},
		"a table that is not there":    {"", "t", nil},
	} {
		got, err := dialectOf(t, db).Columns(t.Context(), db, dialect.Table{Schema: test.schema, Name: test.table})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(dialect.Column{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNowIsTheClockInMilliseconds(t *testing.T) {
	t.Parallel()
	db := memory(t)
	var kind string
	var now int64
	before := time.Now()
	expr := dialectOf(t, db).Now
	if err := db.QueryRowContext(t.Context(), "SELECT typeof("+expr+"), "+expr).Scan(&kind, &now); err != nil {
		t.Fatal(err)
	}
	if kind != "integer" || now < before.UnixMilli()-2 || now > time.Now().UnixMilli()+1 {
		t.Errorf("Now = %s %d, want an integer near %d", kind, now, before.UnixMilli())
	}
}
