package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// Class is what an error means for the batch that met it.
type Class string

// The classes of errors.
const (
	Unknown     Class = "unknown"     // try a few times, then a human is needed
	Transient   Class = "transient"   // locked, deadlock, serialization: the batch again
	Unavailable Class = "unavailable" // no connection, read-only, disk full: wait for the database
	Timeout     Class = "timeout"     // the statement ran too long: a smaller range
	BadRow      Class = "row"         // a row's data is refused: find the row
	Schema      Class = "schema"      // a table, column or function is not there
	Interrupted Class = "interrupted" // cancelled by us
)

// classifyCommon knows the errors that every database/sql driver shares. Its
// second result is false when the driver's own error must be asked.
func classifyCommon(err error) (Class, bool) {
	var netErr net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout, true
	case errors.Is(err, context.Canceled):
		return Interrupted, true
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &netErr),
		strings.Contains(err.Error(), "sql: database is closed"): // database/sql exports no value for it
		return Unavailable, true
	default:
		return Unknown, false
	}
}

// Safe reports whether errors of this class may be shown: the others can quote
// the values of a row.
func (c Class) Safe() bool {
	switch c {
	case BadRow, Unknown:
		return false
	default:
		return true
	}
}
