package bgtransform

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// disagreeing returns the rows about which Go and SQL disagree, without those in
// quarantine. It looks at them a second time: an app that writes both sides in two
// steps has come to the second by then.
func (s *wrongStepper) disagreeing(ctx context.Context, ask inquiry, skip Skips) ([]Mismatch, error) {
	if ask == nil {
		return nil, nil
	}
	odd, err := ask(ctx)
	if err != nil {
		return nil, err
	}
	odd = slices.DeleteFunc(odd, func(m Mismatch) bool { return skip.Has(m.Key) })
	if len(odd) == 0 {
		return nil, nil
	}
	keys, err := s.keysOf(keysOfAll(odd))
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context, q dialect.Querier) (err error) {
		ask, err = s.agreement.lookAmong(ctx, q, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ask(ctx)
}

// prepared returns what repairs rows that are wrong, and those that must not be
// repaired because Go and SQL disagree about what they become.
func (s *wrongStepper) prepared(ctx context.Context, wrong []string) (mend, []Mismatch, error) {
	write, err := s.prepare(ctx, wrong)
	if err != nil || s.agreement == nil {
		return write, nil, err
	}
	return s.rehearsed(ctx, wrong, write)
}

// rehearsed writes rows as their repair would, rolls that back, and asks Go about what
// they held meanwhile. The repair then leaves out the rows whose old columns have
// changed since: nobody has asked about those.
func (s *wrongStepper) rehearsed(ctx context.Context, wrong []string, write mend) (mend, []Mismatch, error) {
	keys, err := s.keysOf(wrong)
	if err != nil {
		return nil, nil, err
	}
	var held map[string]string
	var ask inquiry
	err = s.d.Transact(ctx, s.db, s.limits, func(ctx context.Context, tx bun.Tx) (err error) {
		if held, err = s.agreement.hold(ctx, tx, keys); err != nil {
			return err
		}
		if _, err = write(ctx, tx, wrong); err != nil {
			return err
		}
		if ask, err = s.agreement.lookAmong(ctx, s.d.Bound(tx), keys); err != nil {
			return err
		}
		return errRolledBack
	})
	switch {
	case len(wrong) == 1 && s.d.Classify(err) == dialect.BadRow:
		return nil, mismatches(s.refusal(), wrong), nil
	case !errors.Is(err, errRolledBack):
		return nil, nil, err
	}
	odd, err := ask(ctx)
	return func(ctx context.Context, tx bun.Tx, texts []string) (mending, error) {
		keys, err := s.keysOf(texts)
		if err != nil {
			return mending{}, err
		}
		now, err := s.agreement.hold(ctx, tx, keys)
		if err != nil {
			return mending{}, err
		}
		same := func(text string) bool { is, there := now[text]; return there && is == held[text] }
		return write(ctx, tx, slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !same(text) }))
	}, odd, err
}

// refusal is the class of a row for which a condition fails: that of a definition is
// SQL that Go has no trouble with, or should have.
func (s *wrongStepper) refusal() string {
	if s.agreement != nil {
		return MismatchDisagrees + ": SQL fails for the row"
	}
	return uncheckedRefused
}

// keysOfAll returns the keys of mismatches.
func keysOfAll(list []Mismatch) []string {
	keys := make([]string, len(list))
	for i, m := range list {
		keys[i] = m.Key
	}
	return keys
}

// unchecked counts the mismatches of rows about which nobody knows.
func unchecked(list []Mismatch) (n int) {
	for _, m := range list {
		if strings.HasPrefix(m.Class, MismatchUnchecked) {
			n++
		}
	}
	return n
}
