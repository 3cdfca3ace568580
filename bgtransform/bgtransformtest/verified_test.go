package bgtransformtest_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/bgtransformtest"
)

// withWrong returns the good transform in SQL, with a condition of rows that are wrong.
func withWrong(wrong string) bgtransform.SQL[Track] {
	s := goodSQL()
	s.Wrong = wrong
	return s
}

// spoilt makes two rows wrong.
func spoilt(ctx context.Context, db *bun.DB) error {
	_, err := db.NewUpdate().Model((*Track)(nil)).Set("length_ms = 7").Where("id IN (1, 5)").Exec(ctx)
	return err
}

func TestVerified(t *testing.T) {
	t.Parallel()
	bgtransformtest.Verified(t, five(), goodRows(), spoilt)
	bgtransformtest.Verified(t, five(), withWrong("length_ms IS NOT length * 1000"), spoilt)
}

func TestVerifiedReports(t *testing.T) {
	t.Parallel()
	calls := int64(0)
	varying := goodRows()
	varying.Each = func(_ context.Context, m *Track) error {
		calls++
		ms := calls
		m.LengthMS = &ms
		return nil
	}
	for name, c := range map[string]struct {
		fixture   bgtransformtest.Fixture
		transform bgtransform.Transform
		spoil     func(ctx context.Context, db *bun.DB) error
		want      []string
	}{
		"a condition that is true for right rows": {
			five(), withWrong("length_ms IS NOT length"), spoilt,
			[]string{`verified after its run, transform "track-length-ms" is not right`, "key 1: value differs", "key 5: value differs"},
		},
		"a condition that misses rows": {
			five(), withWrong("length_ms IS NOT length * 1000 AND id <> 5"), spoilt,
			[]string{"after spoil and a repair of 1 row the rows are not as they were", "tracks id=5: length_ms is 7, want 104000"},
		},
		"a condition that misses all":   {five(), withWrong("length_ms < 0"), spoilt, []string{"a repair of 0 rows", "tracks id=1: length_ms is 7"}},
		"code that never does the same": {five(), varying, spoilt, []string{"key 1: result varies length_ms"}},
		"rows made pending": {
			five(), goodRows(), func(ctx context.Context, db *bun.DB) error {
				_, err := db.NewUpdate().Model((*Track)(nil)).Set("length_ms = NULL").Where("id = 2").Exec(ctx)
				return err
			},
			[]string{"verified and repaired after spoil", "key 2: still pending"},
		},
		"spoil that spoils nothing": {five(), goodRows(), func(context.Context, *bun.DB) error { return nil }, []string{"spoil has made no row wrong"}},
		"no rows":                   {bgtransformtest.Rows((*Track)(nil)), goodRows(), spoilt, []string{"no row to compare"}},
		"nothing to verify by":      {five(), goodSQL(), spoilt, []string{`transform "track-length-ms": cannot be verified: Wrong is empty`}},
		"another kind":              {five(), custom{}, spoilt, []string{"does not implement bgtransform.Verifier"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReport(t, failures(t, func(tb testing.TB) { bgtransformtest.Verified(tb, c.fixture, c.transform, c.spoil) }), c.want...)
		})
	}
}
