package dialect

import "strconv"

// Code returns the code that the server gave to an error: the SQLSTATE on
// PostgreSQL, the number on MariaDB and MySQL, the primary result code on SQLite.
// It is empty for nil, and for an error that is not the server's.
func (d *Dialect) Code(err error) string {
	if err == nil {
		return ""
	}
	switch d.Name {
	case "pg":
		return sqlState(err)
	case "mysql":
		if number, _, ok := mysqlNumbers(err); ok {
			return strconv.Itoa(number)
		}
	default:
		if code, ok := sqliteCode(err); ok {
			return strconv.Itoa(code)
		}
	}
	return ""
}
