package cobracli

import (
	"context"
	"errors"
	"slices"

	"github.com/bgtransform/sidecar/bgtransform"
)

// look returns the named transforms, or all: those of the database, and those of the app
// with which no instance has started yet.
func (s *session) look(ctx context.Context, names ...string) ([]bgtransform.Status, error) {
	ctx, cancel := brief(ctx)
	defer cancel()
	all, err := s.control.Status(ctx)
	registered := s.registered()
	if err != nil && (!errors.Is(err, bgtransform.ErrUnknownTransform) || len(registered) == 0) {
		return nil, err
	}
	for _, name := range registered {
		if !slices.ContainsFunc(all, func(st bgtransform.Status) bool { return st.Transform == name }) {
			all = append(all, unstarted(name, err))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	chosen := make([]bgtransform.Status, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(all, func(st bgtransform.Status) bool { return st.Transform == name })
		if i < 0 {
			return s.control.Status(ctx, name) // its error says which name was meant
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// one is look for a single transform.
func (s *session) one(ctx context.Context, name string) (bgtransform.Status, error) {
	all, err := s.look(ctx, name)
	if err != nil {
		return bgtransform.Status{}, err
	}
	return all[0], nil
}

// unstarted is the status of a transform that the app has and the database does not, with
// the error by which that was found, if any.
func unstarted(name string, err error) bgtransform.Status {
	st := bgtransform.Status{
		Transform: name, State: bgtransform.StatePending, Remaining: -1, Progress: -1,
		Here: bgtransform.Reason{Text: "no instance of the app has started with it in this database yet"},
	}
	if errors.Is(err, bgtransform.ErrNoTables) {
		st.Here = bgtransform.Reason{Code: bgtransform.ReasonSchema, Text: "its tables do not exist: either no instance of the app has started here, or its user may not make them"}
	}
	return st
}

// isUnstarted reports whether a status is that of unstarted.
func isUnstarted(st bgtransform.Status) bool { return st.Run == 0 }

// underWay reports whether a verification of a transform has not ended.
func underWay(v *bgtransform.Verification) bool {
	return v != nil && (v.State == bgtransform.VerifyAsked || v.State == bgtransform.VerifyRunning)
}
