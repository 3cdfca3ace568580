package bgtransform

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// What divides two keys stands between them, and further on for a larger share, for all
// that Go compares as a database does.
func TestBetweenIsBetween(t *testing.T) {
	t.Parallel()
	compare := func(a, b any) int {
		switch a := a.(type) {
		case int64:
			return bytes.Compare(big(a), big(b.(int64)))
		case []byte:
			return bytes.Compare(a, b.([]byte))
		default:
			return bytes.Compare([]byte(a.(string)), []byte(b.(string)))
		}
	}
	uuid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	for name, of := range map[string]*rapid.Generator[any]{
		"integers": rapid.Int64().AsAny(),
		"bytes":    rapid.SliceOf(rapid.Byte()).AsAny(),
		"UUIDs":    uuid.AsAny(),
		"digits":   rapid.StringMatching(`order-[0-9]{0,9}`).AsAny(),
		"words":    rapid.StringMatching(`[A-Za-z0-9]{0,9}`).AsAny(),
		"ASCII":    rapid.StringMatching(`[ -~]{0,9}`).AsAny(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				a, b := of.Draw(t, "a"), of.Draw(t, "b")
				last := a
				for _, share := range []float64{0.25, 0.5, 0.75} {
					mid, ok := between(dialect.Column{Kind: dialect.Any}, a, b, share)
					if compare(a, b) >= 0 {
						if ok {
							t.Fatalf("%v is said to be between %v and %v", mid, a, b)
						}
						return
					}
					if !ok {
						if name == "integers" || name == "digits" {
							t.Fatalf("there is said to be nothing between %v and %v", a, b)
						}
						return // equal in all that counts for a place
					}
					if compare(mid, last) < 0 || compare(mid, b) > 0 {
						t.Fatalf("%v is not between %v and %v", mid, last, b)
					}
					last = mid
				}
			})
		})
	}
}

// big spells an integer so that bytes compare as integers do.
func big(v int64) []byte {
	n := ordinal(v)
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(n >> (56 - 8*i))
	}
	return out
}

// Of other types only the database knows what stands between two values.
func TestBetweenOfWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind dialect.Kind
		a, b any
	}{
		{dialect.Other, "2026-01-01", "2026-12-31"},
		{dialect.Any, "一", "龥"},
		{dialect.Any, int64(1), "x"},
		{dialect.Any, 1.5, 2.5},
		{dialect.Any, []byte{1}, int64(2)},
	} {
		if v, ok := between(dialect.Column{Kind: c.kind}, c.a, c.b, 0.5); ok {
			t.Errorf("between %v and %v is said to be %v", c.a, c.b, v)
		}
	}
}
