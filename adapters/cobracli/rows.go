package cobracli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// listing makes a command that lists what is kept of one transform.
func listing[T any](c *commands, use, short string, most int, read func(ctx context.Context, s *session, name string, limit int) ([]T, error), line func(s *session, item T) string) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: use, Short: short, Args: oneName, ValidArgsFunction: c.completeName,
		RunE: c.runOn(func(ctx context.Context, s *session, words []string) error {
			if limit < 1 {
				return usagef("--limit is %d; want 1 or more", limit)
			}
			ctx, cancel := brief(ctx)
			defer cancel()
			if _, err := s.control.Status(ctx, words[0]); err != nil {
				return err // there is no such transform, for one
			}
			all, err := read(ctx, s, words[0], limit)
			if err != nil {
				return err
			}
			var p page
			for _, item := range all {
				p.line("%s", line(s, item))
			}
			if len(all) == 0 {
				p.line("%s: nothing", words[0])
			}
			if all == nil {
				all = []T{}
			}
			return s.answer(all, p.String())
		}),
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", most, "list this many at most")
	return cmd
}

func (c *commands) log() *cobra.Command {
	return listing(c, "log NAME", "Show who did what to a transform, and why, the newest first", 100,
		func(ctx context.Context, s *session, name string, limit int) ([]bgtransform.Action, error) {
			return s.control.Actions(ctx, name, limit)
		}, (*session).actionText)
}

func (s *session) actionText(a bgtransform.Action) string {
	text := s.clock(a.At) + "  " + a.Action
	if a.What != "" {
		text += " " + a.What
	}
	return because(text+" by "+a.By, a.Why)
}

func (c *commands) quarantine() *cobra.Command {
	return listing(c, "quarantine NAME", "List the rows that could not be transformed", 100,
		func(ctx context.Context, s *session, name string, limit int) ([]bgtransform.QuarantinedRow, error) {
			return s.control.Quarantined(ctx, name, limit)
		}, (*session).quarantinedText)
}

func (s *session) quarantinedText(q bgtransform.QuarantinedRow) string {
	standing := "accepted by " + q.By
	if !q.Accepted {
		standing = fmt.Sprintf("tries: %d, last %s", q.Tries, s.clock(q.Last))
	}
	return fmt.Sprintf("row %s: %s [%s] %s", q.Key, firstLine(q.Message), q.Class, standing)
}

func (c *commands) mismatches() *cobra.Command {
	return listing(c, "mismatches NAME", "List the rows that the newest verification has found", 100,
		func(ctx context.Context, s *session, name string, limit int) ([]bgtransform.MismatchedRow, error) {
			return s.control.Mismatches(ctx, name, limit)
		}, func(s *session, m bgtransform.MismatchedRow) string {
			text := fmt.Sprintf("row %s: %s", m.Key, m.Class)
			if len(m.Columns) > 0 {
				text += " (" + strings.Join(m.Columns, ", ") + ")"
			}
			if m.Repaired {
				text += ", repaired"
			}
			return text + ", found " + s.clock(m.Found)
		})
}

func (c *commands) journal() *cobra.Command {
	return listing(c, "journal NAME", "List what rows held before the transform changed them", 20,
		func(ctx context.Context, s *session, name string, limit int) ([]bgtransform.JournalEntry, error) {
			return s.control.Journal(ctx, name, limit)
		}, func(_ *session, e bgtransform.JournalEntry) string {
			return fmt.Sprintf("row %s, run %d, %s: %s -> %s", e.Key, e.Run, e.Standing, e.Before, e.After)
		})
}
