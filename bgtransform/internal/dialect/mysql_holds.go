package dialect

import "strings"

// mysqlHolds makes of an expression what the column would hold, in the form in
// which mysqlRaw reads it. A cast of the server cuts where an assignment
// refuses: whether it would is not asked here.
func mysqlHolds(c Column, expr string) string {
	text := func(value string) string {
		return "CAST(CAST(" + value + " AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
	}
	exact := strings.ToLower(c.Exact)
	digits := "" // of a second
	if _, after, ok := strings.Cut(exact, "("); ok {
		digits = "(" + after
	}
	held := expr
	switch c.Kind {
	case Int:
		held = "CAST(" + expr + " AS SIGNED)"
		if c.Type == mysqlUnsigned {
			held = "CAST(" + expr + " AS UNSIGNED)"
		}
	case Float:
		held = "CAST(" + expr + " AS DOUBLE)"
		if c.Type == mysqlFloat {
			held = "CAST(CAST(" + expr + " AS FLOAT) AS DOUBLE)"
		}
	case Text:
		held = "CONVERT(" + expr + " USING " + c.charset + ")"
		if strings.HasPrefix(exact, "char") {
			held = "TRIM(TRAILING ' ' FROM " + held + ")" // its blanks come back from no read
		}
		held = "CAST(" + held + " AS BINARY)"
	case Bytes:
		held = "CAST(" + expr + " AS BINARY)"
		if strings.HasPrefix(exact, "binary") {
			held = "CAST(" + expr + " AS " + exact + ")" // padded with zeros
		}
	default:
		switch c.Type {
		case mysqlNumber:
			if !strings.HasPrefix(exact, "bit") { // a label, of which only the column knows the number
				return "CAST(" + c.SQL + " AS CHAR CHARACTER SET utf8mb4) <=> " + expr
			}
		case mysqlTimestamp:
			held = "CAST(UNIX_TIMESTAMP(CAST(" + expr + " AS DATETIME" + digits + ")) AS BINARY)"
		case "DATETIME(6)":
			held = text("CAST(" + expr + " AS DATETIME" + digits + ")")
		case "TIME(6)":
			held = text("CAST(" + expr + " AS TIME" + digits + ")")
		case mysqlHex:
			held = "HEX(" + expr + ")"
		default:
			held = text("CAST(" + expr + " AS " + c.Type + ")")
		}
	}
	return mysqlRaw(c) + " <=> " + held
}
