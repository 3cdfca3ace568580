package dualread

import (
	"maps"
	"slices"
	"testing"
)

func TestAssignmentsOfStatements(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]map[string]string{
		`UPDATE "tracks" AS "track" SET "length" = 5, "length_ms" = 5000 WHERE ("id" = 1)`:                        {"length": "5", "length_ms": "5000"},
		"UPDATE `tracks` AS `track` SET `track`.`length` = 5 WHERE `length_ms` = 7":                               {"length": "5"},
		`UPDATE t SET track.length = COALESCE(a, b, (SELECT 1 FROM x WHERE y = 2)), title = ', x = 1'`:            {"length": "COALESCE(a, b, (SELECT 1 FROM x WHERE y = 2))", "title": "', x = 1'"},
		`WITH "_data" ("id", "set") AS (VALUES (1, 2)) UPDATE t SET "length" = _data."length" FROM _data`:         {"length": `_data."length"`},
		`/* set x = 1 */ UPDATE t SET "a""b" = 'it''s', "where" = 1 RETURNING "c" = 2`:                            {`a"b`: `'it''s'`, "where": "1"},
		`UPDATE "SET" SET a = 1 ORDER BY b`:                                                                       {"a": "1"},
		`INSERT INTO t ("a", "b") VALUES (1, 2) ON CONFLICT ("id") DO UPDATE SET "a" = EXCLUDED."a", b = t.b + 1`: {"a": `EXCLUDED."a"`, "b": "t.b + 1"},
		"INSERT INTO t (`a`) VALUES (1) ON DUPLICATE KEY UPDATE `a` = VALUES(`a`)":                                {"a": "VALUES(`a`)"},
		`INSERT INTO t ("a") VALUES (1)`:                                                                          nil,
		`UPDATE t SET a = 'unclosed`:                                                                              {"a": "'unclosed"},
		`UPDATE t SET a = , b = 1, = 2,,`:                                                                         {"b": "1"},
	} {
		if got := texts(assignments(sql, tokens(sql, false))); !maps.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s\n sets %q, want %q", sql, got, want)
		}
	}
	const escaped = `UPDATE t SET a = 'x\', b = 1', c = 2`
	if got := texts(assignments(escaped, tokens(escaped, true))); !maps.Equal(got, map[string]string{"a": `'x\', b = 1'`, "c": "2"}) {
		t.Errorf("with backslashes: %q", got)
	}
}

func texts(set map[string]assigned) map[string]string {
	if set == nil {
		return nil
	}
	out := map[string]string{}
	for name, a := range set {
		out[name] = a.expr
	}
	return out
}

func TestInsertedOfStatements(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		`INSERT INTO "s"."tracks" AS "track" ("id", "length") VALUES (1, (2)), (3, 4) ON CONFLICT ("x") DO NOTHING`: {"id", "length"},
		"INSERT IGNORE INTO `tracks` (`id`) VALUES (1)":                                                             {"id"},
		`INSERT INTO "tracks" SELECT * FROM (SELECT "a" FROM "b")`:                                                  nil,
		`INSERT INTO "tracks" ("a") SELECT "a" FROM "b"`:                                                            {"a"},
		`INSERT INTO "tracks"`: nil,
	} {
		if got := inserted(tokens(sql, false)); !slices.Equal(got, want) {
			t.Errorf("%s\n lists %q, want %q", sql, got, want)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(`UPDATE "t" SET a = 'b', c = (1, 2) WHERE x`, true)
	f.Add("`\"'((/*", false)
	f.Fuzz(func(t *testing.T, sql string, backslash bool) {
		end := 0
		for _, tok := range tokens(sql, backslash) {
			if tok.start < end || tok.end <= tok.start || tok.end > len(sql) {
				t.Fatalf("a token from %d to %d after %d of %d", tok.start, tok.end, end, len(sql))
			}
			end = tok.end
		}
		assignments(sql, tokens(sql, backslash))
		inserted(tokens(sql, backslash))
	})
}
