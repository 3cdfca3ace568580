package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

// strange weighs a name that this database does not know. It may be that of a fresh
// installation, and it may be misspelt: then all that could be said of it, such as who
// reads its old column, would be wrong.
func (w *weigher) strange(ctx context.Context, name string) ([]Missing, error) {
	if _, defined := w.tellers[name]; defined || slices.Contains(w.names, name) {
		return nil, nil
	}
	names, untold, err := w.known(ctx)
	if err != nil || slices.Contains(names, name) {
		return nil, err
	}
	if w.typed {
		if len(names) > 0 || untold == nil {
			untold = fmt.Errorf("%w; %s", bgtransform.ErrUnknownTransform, near.Hint(name, names))
		}
		return nil, untold
	}
	meant := near.Name(strings.ToLower(name), names)
	if len(names) == 0 || meant == "" && w.data != nil {
		return nil, nil
	}
	m := Missing{
		Transform: name, Piece: PieceComplete, Remaining: -1, Commands: []string{w.say("list")},
		Text: fmt.Sprintf("neither this database nor an instance that is alive knows a transform of that name: %s; if it is right all the same, give its definition (gate.Data, gate.Transforms)", near.Hint(name, names)),
	}
	if meant != "" {
		m.Text = fmt.Sprintf("this database knows no transform of that name, but %q; if it is right all the same, give its definition (gate.Transforms)", meant)
		m.Commands = []string{w.say("status", meant)}
	}
	return []Missing{m}, nil
}

// known returns the names that somebody knows: this database, an instance that is alive,
// or who asks. Where our tables are not there, untold says so.
func (w *weigher) known(ctx context.Context) (names []string, untold, err error) {
	all, err := w.control.Status(ctx)
	if errors.Is(err, bgtransform.ErrUnknownTransform) { // the tables are not there
		untold, err = err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	set := map[string]bool{}
	for _, st := range all {
		set[st.Transform] = true
	}
	for _, name := range w.names {
		set[name] = true
	}
	for name := range w.tellers {
		set[name] = true
	}
	if !w.noColumn {
		pool, _, err := w.pool(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range pool.Live() {
			for move := range s.Stages {
				set[move] = true
			}
		}
	}
	return slices.Collect(maps.Keys(set)), untold, nil
}
