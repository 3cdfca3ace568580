package cobracli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// How much of the reads is shown; JSON has all.
const (
	showHours     = 24
	showInstances = 10
)

func (c *commands) reads() *cobra.Command {
	return &cobra.Command{
		Use: "reads NAME", Short: "Show how often the old column was read, and by whom", Args: oneName, ValidArgsFunction: c.completeName,
		RunE: c.runOn(func(ctx context.Context, s *session, words []string) error {
			ctx, cancel := brief(ctx)
			defer cancel()
			if _, err := s.control.Status(ctx, words[0]); err != nil {
				return err // there is no such transform, for one
			}
			r, err := s.control.Reads(ctx, words[0])
			if err != nil {
				return err
			}
			return s.answer(r, s.readsText(r))
		}),
	}
}

func (s *session) readsText(r bgtransform.Reads) string {
	var p page
	if len(r.Hours) == 0 {
		p.line("%s: no instance has counted its reads yet; each does within about a minute", r.Transform)
		return p.String()
	}
	p.line("%s: %s", r.Transform, countsText(r.ReadCounts))
	p.field("since", s.clock(r.Since))
	p.field("fell back", s.clock(r.LastFallback))
	p.field("missing", s.clock(r.LastMissing))
	p.field("differed", s.clock(r.LastMismatch))
	for _, h := range r.Hours[max(0, len(r.Hours)-showHours):] {
		p.line("    %s  %s", h.Hour.In(s.now().Location()).Format("Mon 15:04"), countsText(h.ReadCounts))
	}
	for _, in := range r.Instances[:min(len(r.Instances), showInstances)] {
		p.line("    %s  %s, last counted %s ago", in.Instance, countsText(in.ReadCounts), short(r.Now.Sub(in.Seen)))
	}
	return p.String()
}

func countsText(c bgtransform.ReadCounts) string {
	return fmt.Sprintf("%s fell back, %s found nothing, %s of %s compared differed",
		thousands(c.Fallbacks), thousands(c.Missing), thousands(c.Mismatches), thousands(c.Compared))
}
