package bgtransform

import (
	"context"
	"slices"
	"strings"
)

// traced is a statement of a batch.
type traced struct {
	query string
	args  []any
}

// explaining notes the statements of a batch that begins behind a cursor, and returns
// what asks the database how it runs them. The first batch has no lower end: it is left
// out, because it reads as many entries as it wants from the table's begin.
func (p *planner) explaining(after string) func(ctx context.Context) error {
	if p.walk == nil || after == "" || len(p.plan.Accesses) > 0 {
		return func(context.Context) error { return nil }
	}
	var seen []traced
	p.walk.traced(func(query string, args []any) {
		if verb, _, _ := strings.Cut(query, " "); slices.Contains([]string{"SELECT", "UPDATE", "WITH"}, verb) {
			seen = append(seen, traced{query, slices.Clone(args)})
		}
	})
	return func(ctx context.Context) error {
		p.walk.traced(nil)
		for _, t := range seen {
			found, err := p.walk.explained(ctx, t.query, t.args)
			if err != nil {
				return err
			}
			for _, a := range found {
				if access := TableAccess(a); !slices.Contains(p.plan.Accesses, access) {
					p.plan.Accesses = append(p.plan.Accesses, access)
				}
			}
		}
		return nil
	}
}
