package bgtransform

import (
	"context"
	"log/slog"
)

// log writes the whole plan, a line for each of its parts.
func (p Plan) log(ctx context.Context, log *slog.Logger) {
	sample := p.sampled()
	log.InfoContext(ctx, "bgtransform: dry run", "part", p.Part, "spread_by", p.SpreadBy, "batches", len(p.Batches), "keys", sample.Keys,
		"found", sample.Found, "changed", sample.Changed, "quarantined", sample.Quarantined,
		"table_keys", p.Keys, "table_pending", p.Pending, "finish", p.finish())
	for _, b := range p.Batches {
		log.InfoContext(ctx, "bgtransform: dry run: a batch", "keys", b.Keys, "found", b.Found, "changed", b.Changed, "quarantined", b.Quarantined,
			"read", b.Read, "write", b.Write)
	}
	for class, n := range p.Quarantined {
		log.InfoContext(ctx, "bgtransform: dry run: rows would go to quarantine", "class", class, "rows", n)
	}
	for _, a := range p.Accesses {
		log.InfoContext(ctx, "bgtransform: dry run: a statement's plan", "table", a.Table, "by", a.By, "whole_table", a.Whole)
	}
	for _, w := range p.Warnings {
		log.WarnContext(ctx, "bgtransform: dry run: a warning", "warning", w)
	}
	for _, ex := range p.Examples {
		log.InfoContext(ctx, "bgtransform: dry run: a row", "key", ex.Key, "before", ex.Before, "after", ex.After)
	}
}
