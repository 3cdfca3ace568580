package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// Verifiable implements [Verifier].
func (r Rows[M]) Verifiable() error {
	if r.Processed.used() {
		return errors.New("cannot be verified: a set keeps what is done (Processed), so the rows do not show which of them are pending")
	}
	if r.Wrong != "" {
		return nil
	}
	if len(r.Writes) == 0 {
		return errors.New("cannot be verified: Writes is empty, so no column of the row shows what is right; want Wrong with the SQL condition of a row whose value is wrong")
	}
	if r.Reads == nil {
		return errors.New("cannot be verified: Reads is nil, so its code may look at the columns that it writes, and what they held before is gone; want Reads with the columns that it looks at, or Wrong with the SQL condition of a row whose value is wrong")
	}
	for _, name := range r.Writes {
		if slices.Contains(r.Reads, name) {
			return fmt.Errorf("cannot be verified: column %q is in Reads and in Writes, and what it held before is gone; want Wrong with the SQL condition of a row whose value is wrong", name)
		}
	}
	return nil
}

func (r Rows[M]) follows() bool { return r.Watermark.used() }

func (s SQL[M]) follows() bool { return s.Watermark.used() }

// OpenVerify implements [Verifier].
func (r Rows[M]) OpenVerify(ctx context.Context, db *bun.DB, req VerifyRequest) (Stepper, error) {
	if err := r.Verifiable(); err != nil {
		return nil, &schemaError{err.Error()}
	}
	s, err := r.open(ctx, db)
	if err != nil {
		return nil, err
	}
	if r.Wrong == "" {
		return newRowVerifier(s, req), nil
	}
	w := &wrongStepper{verifier: verifier{walker: s.walker, req: req}, wrong: formatSQL(db, r.Wrong, r.WrongArgs)}
	w.prepare = s.prepareCode(w)
	return w, w.probe(ctx)
}

// Verifiable implements [Verifier].
func (s SQL[M]) Verifiable() error {
	if s.Wrong == "" {
		return errors.New(`cannot be verified: Wrong is empty; want the SQL condition of a row whose value is wrong, such as "length_ms IS DISTINCT FROM length * 1000"`)
	}
	return nil
}

// OpenVerify implements [Verifier].
func (s SQL[M]) OpenVerify(ctx context.Context, db *bun.DB, req VerifyRequest) (Stepper, error) {
	if err := s.Verifiable(); err != nil {
		return nil, &schemaError{err.Error()}
	}
	st, err := s.open(ctx, db)
	if err != nil {
		return nil, err
	}
	w := &wrongStepper{verifier: verifier{walker: st.walker, req: req}, wrong: formatSQL(db, s.Wrong, s.WrongArgs)}
	repair := &setRepair{wrongStepper: w, set: st.repair, camera: st.camera}
	w.prepare = repair.prepare
	return w, w.probe(ctx)
}
