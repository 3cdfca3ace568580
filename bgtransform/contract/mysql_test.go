package contract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// MODIFY drops what it does not name. All but NULL stays as it was, to the byte, there
// and back again.
func TestADefinitionKeepsAllElse(t *testing.T) {
	t.Parallel()
	for name, definition := range map[string]string{
		"int":                       "int(11) DEFAULT NULL",
		"unsigned":                  "decimal(10,2) unsigned zerofill DEFAULT 00000001.50",
		"a charset and a collation": "varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci DEFAULT 'x'",
		"quotes":                    `varchar(50) DEFAULT 'a\'b''c NOT NULL' COMMENT 'DEFAULT NULL, \\ "CHECK" (\n)'`,
		"an enum":                   "enum('a DEFAULT NULL','x)','it''s, NULL') DEFAULT 'x)'",
		"a datetime that follows":   "datetime(6) DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6) COMMENT 'c'",
		"json":                      "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`c`))",
		"a check":                   "int(11) DEFAULT 3 COMMENT 'c' CHECK (`c` is null or `c` <> 4)",
		"invisible":                 "int(11) INVISIBLE DEFAULT 3 COMMENT 'c'",
		"compressed":                "varchar(500) /*M!100301 COMPRESSED*/ DEFAULT 'x'",
		"an expression for default": "bigint(20) DEFAULT (2 + octet_length('NOT NULL')) COMMENT 'c'",
		"a uuid":                    "uuid DEFAULT uuid()",
		"a column with no default":  "bigint(20) unsigned DEFAULT NULL COMMENT 'NOT NULL'",
		"a binary text":             "varbinary(16) DEFAULT 'a'",
		"a datetime":                "datetime(3) DEFAULT NULL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, mariadb)
			db.exec(t, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, before_it INTEGER, c "+definition+", after_it INTEGER, KEY (after_it, before_it)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci")
			before := db.schema(t)
			must(t, contract.NotNull(t.Context(), db.DB, "tracks", "C", quiet()))
			strict := db.schema(t)
			was, is := line(t, before, "  `c`"), line(t, strict, "  `c`")
			if !strings.Contains(is, " NOT NULL") {
				t.Fatalf("it is not NOT NULL: %s", is)
			}
			if strings.ReplaceAll(strict, is, "") != strings.ReplaceAll(before, was, "") {
				t.Errorf("something else has changed:\n%s\n%s", before, strict)
			}
			must(t, contract.Relax(t.Context(), db.DB, "tracks", "c", quiet()))
			if after := db.schema(t); after != before {
				t.Errorf("there and back again, the table was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// What the server can do in no other way than by locking the app out is refused, and says so.
func TestWhatCannotBeDoneOnlineIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with string
		do   func(db *database, t *testing.T) error
	}{
		"NOT NULL beside a full text index": {"FULLTEXT KEY (title)", func(db *database, t *testing.T) error {
			return contract.NotNull(t.Context(), db.DB, "tracks", "length_ms", quiet())
		}},
		"NOT NULL of a timestamp": {"at TIMESTAMP NULL", func(db *database, t *testing.T) error {
			return contract.NotNull(t.Context(), db.DB, "tracks", "at", quiet())
		}},
		"a check": {"KEY (length)", func(db *database, t *testing.T) error {
			return contract.AddCheck(t.Context(), db.DB, contract.Check{Table: "tracks", Name: "positive", Expr: "length >= 0"}, quiet())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, mariadb)
			db.exec(t, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, length INTEGER, length_ms BIGINT, title VARCHAR(50), "+test.with+")",
				"INSERT INTO tracks (id, length, length_ms) VALUES (1, 1, 1000)", "UPDATE tracks SET title = 'a'")
			if name == "NOT NULL of a timestamp" {
				db.exec(t, "UPDATE tracks SET at = now()")
			}
			before := db.schema(t)
			err := test.do(db, t)
			if !errors.Is(err, contract.ErrRefused) || !strings.Contains(err.Error(), "cannot do that beside the app's writes") {
				t.Errorf("error %v, want ErrRefused with the reason", err)
			}
			if after := db.schema(t); after != before {
				t.Errorf("the schema was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// A session that is not strict, as some apps have it, does not make zeros of nulls.
func TestNotNullIsStrictInAnySession(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, mariadb)
	db.tracks(t, 5)
	lax := connect(t, mariadb, db.dsn+"&sql_mode=%27ANSI_QUOTES%27")
	other, err := db.BeginTx(t.Context(), nil) // a null that comes after the look
	must(t, err)
	_, err = other.Tx.ExecContext(t.Context(), "INSERT INTO tracks (id, length) VALUES (77, 1)")
	must(t, err)
	log, done := newRecord(), make(chan error, 1)
	go func() { done <- contract.NotNull(t.Context(), lax.DB, "tracks", "length_ms", log.logger()) }()
	log.until(t, "gives way", 1)
	must(t, other.Commit())
	if err := <-done; !errors.Is(err, contract.ErrRows) {
		t.Errorf("error %v, want ErrRows", err)
	}
	if got := db.one(t, "SELECT coalesce(length_ms, 'null') FROM tracks WHERE id = 77"); got != "null" {
		t.Errorf("the null has become %s", got)
	}
	if got := lax.one(t, "SELECT @@sql_mode"); got != "ANSI_QUOTES" {
		t.Errorf("a connection of the app has the mode %s, want its own", got)
	}
}

// What the app's own connections could not read in their character set stays as it is.
func TestACommentSurvivesAConnectionInAnotherCharacterSet(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, mariadb)
	db.exec(t, "CREATE TABLE tracks (id INTEGER PRIMARY KEY, c INTEGER DEFAULT 3 COMMENT 'Länge ✓ 長さ') DEFAULT CHARSET=utf8mb4")
	narrow := connect(t, mariadb, db.dsn+"&charset=latin1")
	must(t, contract.NotNull(t.Context(), narrow.DB, "tracks", "c", quiet()))
	if got := line(t, db.schema(t), "`c`"); !strings.Contains(got, "NOT NULL DEFAULT 3 COMMENT 'Länge ✓ 長さ'") {
		t.Errorf("the column is %s", got)
	}
}
