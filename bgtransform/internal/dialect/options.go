package dialect

import "github.com/uptrace/bun/dialect"

// TableOptions returns what stands behind CREATE TABLE for tables of ours,
// whose names and terms are equal when their bytes are, trailing spaces
// included. Other databases compare so by themselves.
func TableOptions(name dialect.Name) string {
	if name != dialect.MySQL {
		return ""
	}
	return " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */"
}
