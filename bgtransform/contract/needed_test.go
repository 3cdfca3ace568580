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
		"a foreign key of another table": {
			map[kind]string{
				postgres: "ALTER TABLE tracks ADD CONSTRAINT one_length UNIQUE (length); CREATE TABLE others (length INTEGER CONSTRAINT refers REFERENCES tracks (length))",
				mariadb:  "CREATE TABLE others (length INTEGER, CONSTRAINT refers FOREIGN KEY (length) REFERENCES tracks (length))",
				sqlite:   "CREATE VIEW refers AS SELECT length FROM tracks", // it has no such keys unless asked to
			},
			map[kind]string{"": "DROP TABLE others", sqlite: "DROP VIEW refers"},
			"refers",
		},
		"a check over other columns too": {
			map[kind]string{"": "ALTER TABLE tracks ADD CONSTRAINT fits CHECK (length <= length_ms)"},
			map[kind]string{"": "ALTER TABLE tracks DROP CONSTRAINT fits"},
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
				if db.kind == mariadb && name == "a foreign key of another table" {
					db.exec(t, "ALTER TABLE tracks ADD INDEX refers_too (length)")
				}
				db.exec(t, of(test.make))
				err := contract.DropColumn(t.Context(), db.DB, "tracks", "length", quiet())
				if !errors.Is(err, contract.ErrRefused) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error %v, want ErrRefused, with the name %s", err, test.says)
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

// A column that numbers itself is needed by nobody but its own sequence.
func TestAColumnThatNumbersItselfIsDropped(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, postgres)
	db.exec(t, "CREATE TABLE tracks (id bigint PRIMARY KEY, length serial, other bigint GENERATED ALWAYS AS IDENTITY, album bigint REFERENCES tracks (id), length_ms bigint)")
	for _, column := range []string{"length", "other", "album"} {
		must(t, contract.DropColumn(t.Context(), db.DB, "tracks", column, quiet()))
		if db.has(t, column) {
			t.Errorf("column %s is still there", column)
		}
	}
}
