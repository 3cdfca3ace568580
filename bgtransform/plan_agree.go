package bgtransform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// compare reads the rows of a batch with both of their sides.
func (p *planner) compare(ctx context.Context, tx bun.Tx, t *trial) error {
	if p.agreement == nil || t.Keys == 0 {
		return nil
	}
	defer func(began time.Time) { t.aside += time.Since(began) }(time.Now())
	lo, err := p.agreement.key(t.after)
	if err != nil {
		return err
	}
	hi, err := p.agreement.key(t.step.Cursor)
	if err != nil {
		return err
	}
	cond, args := p.agreement.walk.Within(keyset.Range{Lo: lo, Hi: hi, N: t.Keys})
	ask, err := p.agreement.look(ctx, p.agreement.d.Bound(tx), cond, args)
	if err == nil {
		t.ask = append(t.ask, ask)
	}
	return err
}

// inquire asks Go about the rows of a batch, once that is rolled back.
func (p *planner) inquire(ctx context.Context, t *trial) error {
	for _, ask := range t.ask {
		list, err := ask(ctx)
		if err != nil {
			return err
		}
		for _, m := range list {
			if strings.HasPrefix(m.Class, MismatchDisagrees) && !p.skip.Has(m.Key) {
				p.odd[m.Key] = m.Class
			}
		}
	}
	return nil
}

// disagree warns of what was found.
func (p *planner) disagree() {
	rows := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(p.odd)) {
		rows[p.odd[key]]++
		if len(p.plan.Disagreeing) < p.o.Examples {
			p.plan.Disagreeing = append(p.plan.Disagreeing, keyText(key))
		}
	}
	for _, class := range slices.Sorted(maps.Keys(rows)) {
		p.warn(fmt.Sprintf("%s (rows of the sample: %d); mend the definition of the move before it runs", class, rows[class]))
	}
}
