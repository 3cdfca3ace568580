package dialect_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// What Write stores is to the byte what the app's own INSERT through bun
// stores, and what the server refuses of the one it refuses of the other.
func TestWriteOnMariaDBStoresWhatBunStores(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	db.SetMaxOpenConns(2)
	create := db.NewCreateTable().Model((*wide)(nil)).String()
	exec(t, db, strings.ReplaceAll(create, "` ,", "` LONGTEXT,")) // bun has no type for an array, or for a pointer to a pointer
	for _, change := range []string{                              // random texts are no numbers and no JSON, and some of bun's types are too small
		"ALTER TABLE wide MODIFY mood LONGTEXT, MODIFY mood_ptr LONGTEXT, MODIFY packed LONGBLOB, MODIFY packed_int LONGBLOB, MODIFY float32_ FLOAT",
		"ALTER TABLE wide MODIFY uint32_ BIGINT, MODIFY uint64_ BIGINT UNSIGNED, MODIFY list LONGTEXT, MODIFY json_ LONGTEXT",
		"ALTER TABLE wide MODIFY text_as_int LONGTEXT, MODIFY json_text LONGTEXT, MODIFY text_ LONGTEXT, MODIFY text_nz LONGTEXT",
		"ALTER TABLE wide MODIFY text_ptr LONGTEXT, MODIFY shout LONGTEXT, MODIFY null_text LONGTEXT, MODIFY inner_city LONGTEXT",
	} {
		exec(t, db, change)
	}
	stored := 0
	rapid.Check(t, func(rt *rapid.T) {
		model := wides().Draw(rt, "row")
		if !exact(model.Float64) || !exact(float64(model.Float32)) {
			model.Float64, model.Float32 = 0.1, 0.1
		}
		exec(t, db, "DELETE FROM wide")
		_, insertErr := db.NewInsert().Model(&model).Exec(t.Context())
		if insertErr != nil {
			rt.Log(insertErr.Error())
		}
		var want map[string]any
		if insertErr == nil {
			want = content(t, db)
			stored++
		}
		exec(t, db, "DELETE FROM wide")
		exec(t, db, "INSERT INTO wide (id) VALUES (1)")
		n, err := transact(t, db, mysqlUpdate(t, db, &model))
		if insertErr != nil {
			if err == nil {
				rt.Fatalf("Write stores what bun cannot: %v", insertErr)
			}
			return
		}
		if err != nil || n != 1 {
			rt.Fatalf("Write = %d, %v", n, err)
		}
		if diff := cmp.Diff(want, content(t, db)); diff != "" {
			rt.Fatalf("bun's insert (-) and Write (+) differ:\n%s", diff)
		}
	})
	if stored == 0 {
		t.Error("no row was stored, so this shows nothing")
	}
}

// exact reports whether the server understands the number as bun spells it:
// without an exponent, it takes 65 digits, and 38 after the point.
func exact(x float64) bool {
	return x == 0 || (math.Abs(x) < 1e60 && math.Abs(x) > 1e-10)
}

// mysqlUpdate writes every column of the model but its key.
func mysqlUpdate(t *testing.T, db *bun.DB, model *wide) dialect.Update {
	t.Helper()
	u := dialect.Update{Table: "wide AS w", Keys: describe(t, db, "wide", "id")}
	row := dialect.Row{Key: []any{model.ID}}
	var names []string
	fields := db.Table(reflect.TypeFor[wide]()).DataFields
	for _, f := range fields {
		names = append(names, f.Name)
	}
	u.Sets = describe(t, db, "wide", names...)
	for i, f := range fields {
		row.Set = append(row.Set, dialectOf(t, db).Getter(db.QueryGen(), f, u.Sets[i])(reflect.ValueOf(model).Elem()))
	}
	u.Rows = []dialect.Row{row}
	return u
}

// content returns each column as the driver's binary protocol sends it.
func content(t *testing.T, db *bun.DB) map[string]any {
	t.Helper()
	rows, err := db.DB.QueryContext(t.Context(), "SELECT * FROM wide WHERE id = ?", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, dest := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		dest[i] = &values[i]
	}
	if !rows.Next() {
		t.Fatal("there is no row")
	}
	if err := errors.Join(rows.Scan(dest...), rows.Err()); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for i, name := range cols {
		got[name] = values[i]
	}
	return got
}

// Nearly all values go into one statement: only for those that bun must spell
// does a row need one of its own.
func TestValuesOnMariaDBAreBound(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	table := db.Table(reflect.TypeFor[wide]())
	model := wide{Text: `it's \ "`, Uint64: math.MaxUint64, Float64: 0.1, Float32: 0.5, Bytes: []byte{0, 255}, Bool: true, Shout: "?", Duration: 5, JSON: map[string]any{"a": `\'`}}
	for name, test := range map[string]struct {
		kind dialect.Kind
		want any
	}{
		"text_": {dialect.Text, model.Text}, "shout": {dialect.Text, "?"}, "int_": {dialect.Int, int64(0)}, "bool_": {dialect.Int, int64(1)},
		"uint64_": {dialect.Int, uint64(math.MaxUint64)}, "duration": {dialect.Int, int64(5)}, "float64_": {dialect.Float, 0.1}, "float32_": {dialect.Float, 0.5},
		"bytes": {dialect.Bytes, []byte{0, 255}}, "text_ptr": {dialect.Text, nil}, "json_": {dialect.Text, `{"a":"\\'"}`},
		"time_": {dialect.Other, "0001-01-01 00:00:00"}, "int_as_text": {dialect.Text, int64(0)},
	} {
		got := dialectOf(t, db).Getter(db.QueryGen(), table.FieldMap[name], dialect.Column{Kind: test.kind})(reflect.ValueOf(&model).Elem())
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("Value of %s = %#v, want %#v", name, got, test.want)
		}
	}
}

// A batch of any size and of mixed values is written as a whole: large texts,
// numbers beyond int64, SQL text, no values at all, more than one statement.
func TestWriteOnMariaDBOfManyMixedRows(t *testing.T) {
	t.Parallel()
	db := mariadb(t)
	exec(t, db, "CREATE TABLE `odd ``name?` (`group` BIGINT UNSIGNED, `order?` VARCHAR(10), `select` LONGTEXT, `n` DOUBLE, no BIGINT UNSIGNED, PRIMARY KEY (`group`, `order?`))")
	u := dialect.Update{
		Table: "`odd ``name?` AS `key`", Where: "`key`.`select` IS NULL",
		Keys: describe(t, db, "odd `name?", "group", "order?"), Sets: describe(t, db, "odd `name?", "select", "no"), Guards: describe(t, db, "odd `name?", "n", "select"),
	}
	values := []any{"small", strings.Repeat("é", 300_000), nil, schema.Safe("concat('a', 'b')"), "", "☃'\\\n", []byte("bytes")}
	const rows = 1000
	insert := strings.Builder{}
	for i := range rows {
		sep := ", "
		if i == 0 {
			sep = "INSERT INTO `odd ``name?` (`group`, `order?`, n) VALUES "
		}
		insert.WriteString(sep + "(18446744073709551615 - " + strconv.Itoa(i/2) + ", '" + []string{"É", "z"}[i%2] + "', 0.1e0)")
		v := values[0]
		if i%100 == 0 {
			v = values[i/100%len(values)]
		}
		n := any(uint64(math.MaxUint64) - uint64(i))
		if i%3 == 0 {
			n = int64(i)
		}
		u.Rows = append(u.Rows, dialect.Row{
			Key: []any{uint64(math.MaxUint64) - uint64(i/2), []string{"É", "z"}[i%2]}, Set: []any{v, n}, Guard: []any{0.1, nil},
		})
	}
	exec(t, db, insert.String())
	n, err := transact(t, db, u)
	if err != nil || n != rows {
		t.Fatalf("Write = %d, %v; want %d rows", n, err, rows)
	}
	for i, row := range u.Rows {
		if !row.Changed {
			t.Fatalf("Write says that it did not write row %d", i)
		}
	}
	for i, row := range u.Rows {
		var got string
		err := db.DB.QueryRowContext(t.Context(), "SELECT no FROM `odd ``name?` WHERE `group` = ? AND `order?` = ?", row.Key...).Scan(&got)
		if want := fmt.Sprint(row.Set[1]); err != nil || got != want {
			t.Fatalf("row %d holds %s (%v), want %s", i, got, err, want)
		}
	}
	texts := []string{}
	if err := db.NewRaw("SELECT DISTINCT concat(length(`select`), left(`select`, 6)) FROM `odd ``name?` WHERE `select` IS NOT NULL ORDER BY 1").Scan(t.Context(), &texts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0", "2ab", "5bytes", "5small", "600000éééééé", "6☃'\\\n"}, texts); diff != "" {
		t.Errorf("the texts (-want +got):\n%s", diff)
	}
}
