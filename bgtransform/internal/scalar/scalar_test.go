package scalar_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/scalar"
)

// odd are values that a careless text form would blur.
func odd() []any {
	return []any{
		nil, int64(0), int64(1), int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(1), 0.0, math.Copysign(0, -1), 1.0, 0.1, math.Inf(1), math.Inf(-1),
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.Float64frombits(0x7ff8000000000000), math.Float64frombits(0x7ff8000000000001),
		"", "n", "i1", "it's", `say "hi" \n`, "a\x00b", "\xff\xfe", "å", "日本", "\u2028", "<&>", "what?",
		[]byte{},
		[]byte("n"),
		[]byte{0, 255},
	}
}

// Values come back to the bit, and each text is of one value only: keys are told
// apart by their texts, and the journal leaves out rows whose two texts are the same.
func TestEachValueHasATextOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]any{}
	for _, v := range odd() {
		text := text(t, v)
		if other, taken := seen[text]; taken {
			t.Errorf("%#v and %#v are both %s", other, v, text)
		}
		seen[text] = v
		if back, err := scalar.Parse(text); err != nil || !identical(back, v) {
			t.Errorf("%#v came back as %#v, %v", v, back, err)
		}
	}
}

func TestTextIsPlain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		for _, v := range []any{rapid.String().Draw(t, "string"), string(raw), raw, rapid.Int64().Draw(t, "int"), rapid.Uint64().Draw(t, "uint"), rapid.Float64().Draw(t, "float")} {
			text := text(t, v)
			if !scalar.Plain(text) {
				t.Fatalf("%#v is %q", v, text)
			}
			if back, err := scalar.Parse(text); err != nil || !identical(back, v) {
				t.Fatalf("%#v came back as %#v, %v", v, back, err)
			}
		}
	})
}

func TestWhatIsNoScalar(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "isecret", "usecret", "u-1", "i9223372036854775808", "fsecret", "xsecret", "t*secret", "b*secret", "zsecret"} {
		if v, err := scalar.Parse(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, %v; want an error that does not quote it", text, v, err)
		}
	}
	for _, v := range []any{true, 1, uint32(1), float32(1), struct{}{}} {
		if text, err := scalar.Append(nil, v); err == nil {
			t.Errorf("%T became %q; no dialect loads one", v, text)
		}
	}
}

func text(t interface{ Fatal(args ...any) }, v any) string {
	text, err := scalar.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func identical(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	if isX && isY {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	if raw, ok := a.([]byte); ok && len(raw) == 0 {
		raw, ok = b.([]byte)
		return ok && len(raw) == 0
	}
	return reflect.DeepEqual(a, b)
}
