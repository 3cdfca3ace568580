package bgtransformtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Verified runs a transform to its end and has every row verified, as an
// operator would with Control.Verify: none may be wrong, pending, or impossible
// to compare. Then spoil, on a connection of its own, makes rows wrong; a
// verification that repairs must find them, and must leave every row of every
// table as it was before. So it shows that Wrong tells of just the rows that Set,
// or user code, would make right, and that code makes the same of a row twice.
//
// spoil must change nothing but what the transform writes, because a repair
// restores nothing else, and must make no row pending.
func Verified(t testing.TB, fixture Fixture, transform bgtransform.Transform, spoil func(ctx context.Context, db *bun.DB) error, opts ...Option) {
	t.Helper()
	b := newBench(t, fixture, transform, opts)
	if err := verifiable(transform); err != nil {
		t.Fatalf("transform %q: %v", b.name, err)
	}
	if err := b.on(t.Context(), func(m *memory) error { return b.verified(t.Context(), m, spoil) }); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) verified(ctx context.Context, m *memory, spoil func(ctx context.Context, db *bun.DB) error) error {
	if _, err := b.complete(ctx, m); err != nil {
		return err
	}
	first, err := b.verification(ctx, m, bgtransform.VerifyOptions{})
	if err != nil {
		return fmt.Errorf("verified after its run, %w", err)
	}
	if first.Rows == 0 {
		return fmt.Errorf("transform %q has no row to compare, so this test would show nothing", b.name)
	}
	want, err := b.look(ctx, m)
	if err != nil {
		return err
	}
	if err := spoil(ctx, m.db); err != nil {
		return fmt.Errorf("spoil: %w", err)
	}
	second, err := b.verification(ctx, m, bgtransform.VerifyOptions{Repair: true})
	if err != nil {
		return fmt.Errorf("verified and repaired after spoil, %w", err)
	}
	got, err := b.look(ctx, m)
	if err != nil {
		return err
	}
	if diff := differences(got, want); diff != nil {
		return fmt.Errorf("transform %q: after spoil and a repair of %s the rows are not as they were\n%s", b.name, plural(second.Repaired, "row"), indent(diff.Error()))
	}
	if second.Repaired == 0 {
		return fmt.Errorf("transform %q: spoil has made no row wrong, so this test shows nothing of its repair", b.name)
	}
	return nil
}

// verification has the rows looked at, and returns an error that lists those
// that are wrong still, pending or not checked.
func (b *bench) verification(ctx context.Context, m *memory, o bgtransform.VerifyOptions) (bgtransform.Verification, error) {
	c, err := bgtransform.NewControl(m.db)
	if err != nil {
		return bgtransform.Verification{}, err
	}
	if err := c.Verify(ctx, b.name, o, bgtransform.By{Who: "bgtransformtest"}); err != nil {
		return bgtransform.Verification{}, err
	}
	did, err := b.live(ctx, m, life{})
	if err != nil {
		return bgtransform.Verification{}, err
	}
	st, known := b.status(ctx, m)
	if !known || st.Verify == nil {
		return bgtransform.Verification{}, errors.New("it has left no verification in the database")
	}
	if st.Verify.Clean() {
		return *st.Verify, nil
	}
	text := fmt.Sprintf("transform %q is not right: the verification is %s", b.name, st.Verify.State)
	if st.Verify.Reason != "" {
		text += ", because " + st.Verify.Reason
	}
	found, err := c.Mismatches(ctx, b.name, 1000)
	if err != nil {
		return *st.Verify, err
	}
	var lines []string
	for _, row := range found {
		if !row.Repaired {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("key %s: %s %s", row.Key, row.Class, strings.Join(row.Columns, ", "))))
		}
	}
	if len(lines) > 0 {
		text += "\n" + indent(list(lines))
	}
	return *st.Verify, did.explain(errors.New(text))
}

// verifiable returns what a transform lacks to be verified.
func verifiable(t bgtransform.Transform) error {
	v, ok := t.(bgtransform.Verifier)
	if !ok {
		return fmt.Errorf("%T does not implement bgtransform.Verifier", t)
	}
	return v.Verifiable()
}

// Verifiable implements [bgtransform.Verifier].
func (s *subject) Verifiable() error { return verifiable(s.Transform) }

// OpenVerify implements [bgtransform.Verifier].
func (s *subject) OpenVerify(ctx context.Context, db *bun.DB, req bgtransform.VerifyRequest) (bgtransform.Stepper, error) {
	if err := verifiable(s.Transform); err != nil {
		return nil, err
	}
	done, err := s.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	inner, err := heard(s.said, func() (bgtransform.Stepper, error) {
		return s.Transform.(bgtransform.Verifier).OpenVerify(ctx, db, req)
	})
	if err != nil {
		return nil, err
	}
	return &stepper{Stepper: inner, s: s}, nil
}
