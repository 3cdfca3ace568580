package bgtransform

import (
	"context"
	"fmt"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

// misspelt logs each name of Config.Contracted that this database does not know, if it
// knows one that was meant: under the wrong name this instance looks like a version before
// the move, and the pool goes back to the old column because of it.
func (s *Scheduler) misspelt(ctx context.Context) error {
	if len(s.cfg.Contracted) == 0 {
		return nil
	}
	recs, err := s.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("look for the contracted transforms: %w", err)
	}
	known := make([]string, len(recs))
	for i, rec := range recs {
		known[i] = rec.Transform.Name
	}
	for _, name := range s.cfg.Contracted {
		if meant := s.meant(name, known); meant != "" {
			s.cfg.Logger.ErrorContext(ctx, "bgtransform: Config.Contracted names no transform of this database; to the pool this instance is one that writes only the old column",
				"contracted", name, "did_you_mean", meant)
		}
	}
	return nil
}

// meant returns which transform was meant by a name of Config.Contracted, of those that the
// database knows; "" where the name is among them, or resembles none that this version does
// not have itself.
func (s *Scheduler) meant(name string, known []string) string {
	if slices.Contains(known, name) {
		return ""
	}
	own := s.names()
	return near.Name(name, slices.DeleteFunc(slices.Clone(known), func(other string) bool {
		return slices.Contains(own, other) || slices.Contains(s.cfg.Contracted, other)
	}))
}
