package dialect

import (
	"strconv"
	"strings"
)

// mysqlClassify goes by the server's error number, and where that says nothing
// by the SQLSTATE beside it. See https://mariadb.com/kb/en/mariadb-error-codes/
// and https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html.
func mysqlClassify(err error) Class {
	number, state, ok := mysqlNumbers(err)
	if !ok {
		return mysqlUnnumbered(err)
	}
	switch number {
	case 1205, 1213, 1223, // lock wait timeout, deadlock, a conflicting read lock
		1020, 1412, 1615, // the record or the table has changed since it was read
		1180, 1689, 3101, 3572: // a cluster refused the commit; a lock that was not waited for
		return Transient
	case 1969, 3024, // max_statement_time, max_execution_time
		1104, 1153, 1206, 1390, 3170: // too many rows, bytes, locks, values or too much memory for one statement
		return Timeout
	case 1317: // killed, by somebody or by us
		if class, ours := classifyCommon(err); ours {
			return class
		}
		return Interrupted
	case 1040, 1203, 1226, 1461, 1637, // too many connections, statements, transactions
		1044, 1045, 1049, 1129, 1130, 1698, 4151, // access
		1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, // the connection, the server's end
		1290, 1792, 1836, // read-only
		1021, 1026, 1030, 1037, 1041, 1114, 1135, // disk and memory
		1047: // a node of a cluster that is not ready
		return Unavailable
	case 1048, 1062, 1216, 1217, 1263, 1364, 1451, 1452, 1557, 1586, 1761, 1762, 3819, 4025, // constraints
		1264, 1265, 1292, 1366, 1367, 1406, 1411, 1526, 1690, 1300, 3140, 3156, 4038: // values
		return BadRow
	case 1052, 1093, 1111, 1136, 1175, 1210, 1235, 1267, 1270, 1271, 1295, 1356, 1442, 1665, 1767, 1770: // the statement
		return Schema
	default:
		return mysqlState(state)
	}
}

// mysqlState goes by the first two characters, the class of the SQLSTATE.
func mysqlState(state string) Class {
	if len(state) < 2 {
		return Unknown
	}
	switch state[:2] {
	case "08":
		return Unavailable
	case "40":
		return Transient
	case "22", "23", "21", "44", "45": // data, constraint, cardinality, check option, raised by a trigger
		return BadRow
	case "42", "3D", "3F": // syntax or access rule, no schema
		return Schema
	default:
		return Unknown
	}
}

// mysqlNumbers finds the error of the server in a chain. The driver's error
// has no method to ask, but a text that begins with both codes, as in
// "Error 1205 (HY000): …".
func mysqlNumbers(err error) (number int, state string, ok bool) {
	rest, found := strings.CutPrefix(err.Error(), "Error ")
	if found {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil {
			rest = rest[len(digits):]
			if len(rest) > 9 && strings.HasPrefix(rest, " (") && rest[7] == ')' {
				return n, rest[2:7], true
			}
			if strings.HasPrefix(rest, ": ") {
				return n, "", true
			}
		}
	}
	switch wrapping := err.(type) { //nolint:errorlint // this walks the chain itself
	case interface{ Unwrap() error }:
		if inner := wrapping.Unwrap(); inner != nil {
			return mysqlNumbers(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapping.Unwrap() {
			if number, state, ok = mysqlNumbers(inner); ok {
				return number, state, true
			}
		}
	}
	return 0, "", false
}

// mysqlUnnumbered is for errors that never reached the server, or that its
// driver made.
func mysqlUnnumbered(err error) Class {
	class, ours := classifyCommon(err)
	switch text := err.Error(); {
	case ours:
		return class
	case strings.Contains(text, "invalid connection"), strings.Contains(text, "commands out of sync"), strings.Contains(text, "busy buffer"), strings.Contains(text, "malformed packet"):
		return Unavailable
	case strings.Contains(text, "packet for query is too large"):
		return Timeout
	default:
		return Unknown
	}
}
