package bgtransform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// A new version of the app may define a transform otherwise under the same
// name. What a run has done by then was right by another definition, so rows
// before its cursor may be pending by the new one: an attempt that finds a
// definition it does not know walks all rows once more.
//
// While a pool is deployed, old and new versions live side by side. The later
// one counts: whoever finds its own definition among those that were replaced
// keeps away, or the two would send each other back to the first row for ever.

// revision makes one text of the parts of a definition.
func revision(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Quote(p))
	}
	return b.String()
}

// fingerprint is what the database keeps of a revision, which may be long.
func fingerprint(revision string) string {
	sum := sha256.Sum256([]byte(revision))
	return hex.EncodeToString(sum[:8])
}

// maxSuperseded bounds the definitions that are remembered as replaced. No pool
// runs more versions of an app at once.
const maxSuperseded = 50

func replaced(t store.Transform) []string {
	return strings.FieldsFunc(t.Superseded, func(r rune) bool { return r == ',' })
}

// redefines reports whether this instance's definition is newer than that of the
// run. A dry run changes nothing, and a revert goes by what was written.
func (e *entry) redefines(rec store.Record) bool {
	was := rec.Transform.Definition
	return rec.Range.Mode != store.ModeRevert && was != "" && was != e.defined && !e.superseded(rec) && !e.settings.dryRun
}

// superseded reports whether this instance's definition is an older one. A
// restart that nobody has followed yet is for any version.
func (e *entry) superseded(rec store.Record) bool {
	return rec.Range.Mode != store.ModeRevert && rec.Transform.Definition != e.defined && rec.Intent.Restarts <= rec.Range.Restarts &&
		slices.Contains(replaced(rec.Transform), e.defined)
}

func supersededReason() Reason {
	return Reason{
		Code: ReasonSuperseded,
		Text: "another version of the app has defined it otherwise since; if that version was rolled back, restart the transform",
	}
}

// adopt puts this instance's definition in the place of the run's, durably,
// before a row is read. It reports whether the attempt is over.
func (a *attempt) adopt(ctx context.Context) (ending, bool) {
	if a.e.superseded(a.rec) {
		return ending{state: StateWaiting, reason: supersededReason()}, true // it has followed a retry
	}
	if a.rec.Transform.Definition == "" && !a.e.settings.dryRun {
		a.rec.Transform.Definition = a.e.defined // written with the state
		return ending{}, false
	}
	if !a.e.redefines(a.rec) {
		return ending{}, false
	}
	a.log.WarnContext(ctx, "bgtransform: this version of the app defines it otherwise than the run under way; walking all rows once more",
		"run", a.rec.Range.Run, "pass", a.rec.Range.Pass)
	return a.follow(ctx, a.rec.Intent, a.redefine)
}

// redefine begins anew: a complete transform with a new run, another one with a
// new pass, in which the rows in quarantine are tried again.
func (a *attempt) redefine(r *store.Range, t *store.Transform, in store.Intent) func(context.Context, bun.Tx) error {
	older := append(replaced(*t), t.Definition)
	older = slices.DeleteFunc(older[max(0, len(older)-maxSuperseded):], func(d string) bool { return d == a.e.defined })
	more := a.anew
	if State(t.State) == StateComplete {
		more = a.restart
	}
	then := more(r, t, in)
	t.Definition, t.Superseded = a.e.defined, strings.Join(older, ",")
	return func(ctx context.Context, tx bun.Tx) error {
		if then != nil {
			if err := then(ctx, tx); err != nil {
				return err
			}
		}
		return a.fence.Redefined(ctx, tx, a.s.cfg.Instance)
	}
}
