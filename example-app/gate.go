package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// askGate answers whether the old columns of transforms may go. A pipeline goes by the
// exit code: 0 they may, 3 not yet, 1 nobody knows.
func askGate(ctx context.Context, w io.Writer, db *bun.DB, o order) error {
	rel, err := release2()
	if err != nil {
		return err
	}
	names := append([]string{o.name}, o.settings...)
	err = gate.RequireAll(ctx, db, names,
		gate.Transforms(lengthToMS(rel.length)), gate.Quiet(o.quiet), gate.Command("example-app transforms"))
	refusal, refused := errors.AsType[*gate.Refusal](err)
	switch {
	case o.asJSON && (err == nil || refused):
		answer := struct {
			MayContract bool           `json:"may_contract"`
			Missing     []gate.Missing `json:"missing"`
		}{MayContract: !refused, Missing: []gate.Missing{}}
		if refused {
			answer.Missing = refusal.Missing
			err = errors.Join(err, errSaid)
		}
		return errors.Join(err, json.NewEncoder(w).Encode(answer))
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(w, "%s: the old column may go\n", strings.Join(names, ", "))
	return err
}
