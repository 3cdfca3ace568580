package keyset_test

import (
	"errors"
	"math"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

// A row whose key is NULL cannot be reached in order. To pass over it would
// call a transform complete that is not (I5), so the walk must refuse it,
// wherever in the range it stands.
func TestNextRefusesNullKeys(t *testing.T) {
	t.Parallel()
	one := shape{table: `"t"`, keys: []string{`"k"`}, columns: `"k" TEXT PRIMARY KEY`}
	two := shape{table: `"t"`, keys: []string{`"a"`, `"b"`}, columns: `"a" INTEGER, "b" INTEGER, PRIMARY KEY ("a", "b")`}
	for name, test := range map[string]struct {
		shape shape
		rows  [][]any
	}{
		"the only key":                       {one, [][]any{{nil}}},
		"all keys":                           {one, [][]any{{nil}, {nil}}},
		"a key before others":                {one, [][]any{{nil}, {"a"}, {"b"}}},
		"the first part":                     {two, [][]any{{nil, 1}, {1, 1}}},
		"the second part, first in its part": {two, [][]any{{1, nil}, {1, 1}}},
		"the second part, last of all":       {two, [][]any{{1, 1}, {2, nil}}},
	} {
		for _, limit := range []int{1, 2, 10} {
			db := open(t)
			test.shape.create(t, db)
			for _, row := range test.rows {
				test.shape.insert(t, db, row...)
			}
			if err := walkToEnd(t, test.shape.walk(t, db), db, limit); !errors.Is(err, keyset.ErrNull) {
				t.Errorf("%s is NULL, %d keys at a time: the walk ends with %v, want ErrNull", name, limit, err)
			}
		}
	}
}

// Texts that are no UTF-8 are keys like any others: each is visited once.
func TestWalkOfTextsThatAreNoUTF8(t *testing.T) {
	t.Parallel()
	walkOdd(t, shape{table: `"t"`, keys: []string{`"k"`}, columns: `"k" TEXT NOT NULL PRIMARY KEY`},
		"a", "\x80", "\xff", "\xff\xfe", "\uFFFD", "é", "z\xc3")
}

// The same for texts with a zero byte in them.
func TestWalkOfTextsWithZeroBytes(t *testing.T) {
	t.Parallel()
	walkOdd(t, shape{table: `"t"`, keys: []string{`"k"`}, columns: `"k" TEXT NOT NULL PRIMARY KEY`},
		"a", "a\x00", "a\x00b", "a\x00c", "b")
}

// A float in a cursor is the float in the table, to the last bit.
func TestWalkOfFloatsIsExact(t *testing.T) {
	t.Parallel()
	walkOdd(t, shape{table: `"t"`, keys: []string{`"k"`}, columns: `"k" REAL NOT NULL PRIMARY KEY`},
		math.Inf(-1), -math.MaxFloat64, -1.5, math.Copysign(0, -1), 5e-324, 0.1, 0.1+0.2,
		1.801439850948199e+16, math.Nextafter(1.801439850948199e+16, math.Inf(1)),
		math.Nextafter(math.MaxFloat64, 0), math.MaxFloat64, math.Inf(1))
}

// Names are the app's own, and a question mark is a letter like any other.
func TestWalkOfNamesWithQuestionMarks(t *testing.T) {
	t.Parallel()
	walkOdd(t, shape{table: `"what?"`, keys: []string{`"id?0"`}, columns: `"id?0" INTEGER PRIMARY KEY`}, 1, 2, 3)
}

func walkOdd(t *testing.T, s shape, values ...any) {
	t.Helper()
	db := open(t)
	s.create(t, db)
	for _, v := range values {
		s.insert(t, db, v)
	}
	for limit := 1; limit <= len(values)+1; limit++ {
		s.walkAll(t, db, func() int { return limit })
	}
}

// walkToEnd walks as the engine does and returns what stopped it.
func walkToEnd(t *testing.T, w keyset.Walk, db *bun.DB, limit int) error {
	t.Helper()
	var after keyset.Key
	for range 100 {
		r, err := w.Next(t.Context(), bound(t, db), after, limit)
		if err != nil {
			return err
		}
		if r.N > 0 {
			if _, err := r.Hi.Encode(); err != nil {
				return err
			}
		}
		if r.Last {
			return nil
		}
		after = r.Hi
	}
	t.Fatalf("the walk does not end")
	return nil
}

// An empty blob is a key like any other, also as the last of a range.
func TestWalkOfAnEmptyBlob(t *testing.T) {
	t.Parallel()
	walkOdd(t, shape{table: `"t"`, keys: []string{`"k"`}, columns: `"k" BLOB NOT NULL PRIMARY KEY`}, []byte{}, []byte{0}, []byte{1})
}
