package dialect

import (
	"errors"
	"time"
)

// Writer is a transaction that has written to a table and has not ended.
type Writer struct {
	ID  string        // no other transaction has it while this one is open
	Who string        // how an operator finds it; holds no row values
	Age time.Duration // since it began; negative when that cannot be seen
}

var (
	// ErrWritersUnseen says that the server does not show this user which
	// transactions are open.
	ErrWritersUnseen = errors.New("the database does not show which transactions are open")

	// ErrWritersStale says that the server goes on to show an old list of them.
	ErrWritersStale = errors.New("the database shows an old list of the transactions that are open")
)
