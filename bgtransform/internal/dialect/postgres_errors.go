package dialect

import (
	"errors"
	"strings"
)

// sqlState returns the SQLSTATE that the server gave to an error; empty if it is
// not the server's.
func sqlState(err error) string {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return ""
	}
	return state.SQLState()
}

// postgresClassify goes by the SQLSTATE, which any driver tells that has the
// method (pgx does). See https://www.postgresql.org/docs/current/errcodes-appendix.html.
func postgresClassify(err error) Class {
	code := sqlState(err)
	if code == "" {
		return postgresUnnumbered(err)
	}
	switch code {
	case "57014": // query_canceled: by the timeout, or by us
		if class, ours := classifyCommon(err); ours {
			return class
		}
		return Timeout
	case "25006", "25P03": // read_only_sql_transaction, idle_in_transaction_session_timeout
		return Unavailable
	case "25P04": // transaction_timeout
		return Timeout
	case "40003": // statement_completion_unknown
		return Unavailable
	case "55P03", "55006", "26000": // lock_not_available, object_in_use, a prepared statement that is gone
		return Transient
	case "54000", "54001", "54023": // the statement is too large or too deep
		return Timeout
	case "0A000": // feature_not_supported: a cached plan that a migration made void, or a definition
		if strings.Contains(err.Error(), "cached plan") {
			return Transient
		}
		return Schema
	}
	return postgresClass(code)
}

// postgresClass goes by the first two characters, the class of the SQLSTATE.
func postgresClass(code string) Class {
	if len(code) != 5 {
		return Unknown
	}
	switch code[:2] {
	case "40": // transaction rollback: serialization, deadlock
		return Transient
	case "08", "28", "3D", "53", "57", "58": // connection, authorization, no database, resources, shutdown, system
		return Unavailable
	case "42", "3F": // syntax or access rule, no schema
		return Schema
	case "22", "23", "21", "44", "P0": // data, constraint, cardinality, check option, raised by a trigger
		return BadRow
	default:
		return Unknown
	}
}

// postgresUnnumbered is for errors that never reached the server, or that its
// driver made.
func postgresUnnumbered(err error) Class {
	class, ours := classifyCommon(err)
	switch text := err.Error(); {
	case ours:
		return class
	case strings.Contains(text, "conn closed"), strings.Contains(text, "conn busy"), strings.Contains(text, "failed to connect"):
		return Unavailable
	case strings.Contains(text, "unable to encode"), strings.Contains(text, "cannot find encode plan"):
		return BadRow
	default:
		return Unknown
	}
}
