package dialect

import "strings"

// Upsert ends an INSERT: a row of the same key is updated in some columns instead.
// Names are quoted.
func (d *Dialect) Upsert(key, columns []string) string {
	clause, value := " ON CONFLICT ("+strings.Join(key, ", ")+") DO UPDATE SET ", "EXCLUDED.%s"
	if d.Name == "mysql" {
		clause, value = " ON DUPLICATE KEY UPDATE ", "VALUES(%s)"
	}
	sets := make([]string, len(columns))
	for i, name := range columns {
		sets[i] = name + " = " + strings.ReplaceAll(value, "%s", name)
	}
	return clause + strings.Join(sets, ", ")
}
