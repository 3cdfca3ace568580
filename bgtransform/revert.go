package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// classJournal is the class of errors of a journal, or of the code that reads it,
// which no further try can mend.
const classJournal = "journal"

func isJournal(err error) bool {
	safe, ok := errors.AsType[*safeError](err)
	return ok && safe.class == classJournal
}

// revertEnd ends a revert that has come to the oldest entry, and says what it
// has left.
func (a *attempt) revertEnd(ctx context.Context) ending {
	ctx, cancel := context.WithTimeoutCause(ctx, a.s.cfg.BatchTimeout, ErrOverran)
	defer cancel()
	counts, err := a.s.store.LeftCounts(ctx, a.e.name)
	if err != nil {
		return a.lost(ctx, err)
	}
	end := ending{state: StateReverted}
	if text := leftText(counts); text != "" {
		end.reason = Reason{Code: ReasonLeft, Text: text}
	}
	return end
}

// leftText says how many entries were left, and why; "" when none was.
func leftText(counts map[string]int64) string {
	var parts []string
	for _, standing := range store.Left() {
		n := counts[standing]
		if n == 0 {
			continue
		}
		switch standing {
		case store.Changed:
			parts = append(parts, fmt.Sprintf("%d changed since", n))
		case store.Gone:
			parts = append(parts, fmt.Sprintf("%d deleted since", n))
		default:
			parts = append(parts, fmt.Sprintf("%d refused by the database", n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "reverted but for rows that were left as they are: " + strings.Join(parts, ", ") + "; Control.Journal lists them"
}

// refuse says that the database refuses to write an entry's row back.
func (a *attempt) refuse(ctx context.Context, tx bun.Tx, cursor string) error {
	seq, err := position(cursor)
	if err != nil {
		return err
	}
	return a.fence.Settle(ctx, tx, seq, seq, map[string][]int64{store.Refused: {seq}})
}

// loadRefused counts the entries that the database has refused so far.
func (a *attempt) loadRefused(ctx context.Context) error {
	counts, err := a.s.store.LeftCounts(ctx, a.e.name)
	if err != nil {
		return err
	}
	a.skips, a.retried, a.bad = Skips{}, Skips{}, counts[store.Refused]
	return nil
}

// setAsideWhere says where the rows are that were set aside.
func (a *attempt) setAsideWhere() string {
	if a.reverting() {
		return "refused by the database"
	}
	return "in quarantine"
}
