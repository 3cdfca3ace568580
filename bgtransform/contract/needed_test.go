package contract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// What else needs a column is named, and nothing is dropped. Without it the column goes.
func TestAColumnThatSomethingNeedsIsNotDropped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make map[kind]string
		free map[kind]string
		says string
	}{
		"an index over other columns too": {
			map[kind]string{"": "CREATE INDEX both_of_them ON tracks (title, length)"},
			map[kind]string{"": "DROP INDEX both_of_them", mariadb: "DROP INDEX both_of_them ON tracks"},
			"both_of_them",
		},
		"a view": {
			map[kind]string{"": "CREATE VIEW looks AS SELECT t.length + 1 AS more FROM tracks AS t"},
			map[kind]string{"": "DROP VIEW looks"},
			"looks",
		},
		"a generated column": {
			map[kind]string{"": "ALTER TABLE tracks ADD COLUMN twice INTEGER GENERATED ALWAYS AS (length * 2) STORED", sqlite: "ALTER TABLE tracks ADD COLUMN twice INTEGER GENERATED ALWAYS AS (length * 2) VIRTUAL"},
			map[kind]string{"": "ALTER TABLE tracks DROP COLUMN twice"},
			"length",
		},
		"a trigger": {
			map[kind]string{
				postgres: "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.length_ms = new . \"length\" * 1000; RETURN NEW; END';" +
					"CREATE TRIGGER keeps BEFORE INSERT ON tracks FOR EACH ROW EXECUTE FUNCTION fill()",
				mariadb: "CREATE TRIGGER keeps BEFORE INSERT ON tracks FOR EACH ROW SET NEW.length_ms = NEW.`Length` * 1000",
				sqlite:  "CREATE TRIGGER keeps AFTER INSERT ON tracks BEGIN UPDATE tracks SET length_ms = NEW.length * 1000; END",
			},
			map[kind]string{"": "DROP TRIGGER keeps", postgres: "DROP TRIGGER keeps ON tracks"},
			"keeps",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, all(), func(t *testing.T, db *database) {
				of := func(statements map[kind]string) string {
					if s, ok := statements[db.kind]; ok {
						return s
					}
					return statements[""]
				}
				db.tracks(t, 3)
				db.exec(t, of(test.make))
				err := contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet())
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error %v, want one that names %s", err, test.says)
				}
				if db.kind != mariadb && !errors.Is(err, contract.ErrRefused) {
					t.Errorf("error %v, want ErrRefused", err)
				}
				if !db.has(t, "length") {
					t.Fatal("the column is gone")
				}
				db.exec(t, of(test.free))
				must(t, contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet()))
			})
		})
	}
}

// Indexes and triggers that have nothing to do with it do not hold it up; its own
// index goes with it.
func TestADropTakesTheIndexOfTheColumnWithIt(t *testing.T) {
	t.Parallel()
	each(t, all(), func(t *testing.T, db *database) {
		db.tracks(t, 3)
		db.exec(t, "CREATE INDEX alone ON tracks (length)", "CREATE INDEX other ON tracks (title, length_ms)", "CREATE VIEW looks AS SELECT length_ms FROM tracks")
		must(t, contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet()))
		if schema := db.schema(t); db.has(t, "length") || strings.Contains(schema, "alone") || !strings.Contains(schema, "other") {
			t.Errorf("the schema is\n%s", schema)
		}
	})
}
