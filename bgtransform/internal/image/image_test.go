package image_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/image"
)

// odd are values that a careless text form would blur.
func odd() []any {
	return []any{
		nil, int64(0), int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(1), 0.0, math.Copysign(0, -1), 1.0, 0.1, math.Inf(1), math.Inf(-1),
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.Float64frombits(0x7ff8000000000000), math.Float64frombits(0x7ff8000000000001),
		"", "n", "i1", "it's", `say "hi" \n`, "a\x00b", "\xff\xfe", "å", "日本", "\u2028", "<&>",
		[]byte{},
		[]byte("n"),
		[]byte{0, 255},
	}
}

func TestValuesComeBackToTheBit(t *testing.T) {
	t.Parallel()
	var columns []string
	for i := range odd() {
		columns = append(columns, string(rune('a'+i/26))+string(rune('a'+i%26)))
	}
	text := encode(t, columns, odd())
	gotColumns, got, err := image.Decode(text)
	if err != nil || !slices.Equal(gotColumns, columns) {
		t.Fatalf("got columns %q, %v", gotColumns, err)
	}
	for i, want := range odd() {
		if !identical(got[i], want) {
			t.Errorf("%#v came back as %#v", want, got[i])
		}
	}
}

// Equal images have equal texts, and others other ones: the journal leaves out
// rows whose two texts are the same.
func TestTextsTellValuesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]any{}
	for _, v := range odd() {
		text := encode(t, []string{"c"}, []any{v})
		if other, taken := seen[text]; taken {
			t.Errorf("%#v and %#v are both %s", other, v, text)
		}
		seen[text] = v
		if again := encode(t, []string{"c"}, []any{v}); again != text {
			t.Errorf("%#v is %s once and %s then", v, text, again)
		}
	}
}

func TestTextIsPlain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name, value := rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value")
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		text, err := image.Encode([]string{name, name + "2", name + "3"}, []any{value, raw, string(raw)})
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }); i >= 0 {
			t.Fatalf("the text has %q in it", text[i])
		}
		columns, values, err := image.Decode(text)
		if err != nil || !slices.Equal(columns, []string{name, name + "2", name + "3"}) {
			t.Fatalf("got columns %q, %v", columns, err)
		}
		if values[0] != value || !slices.Equal(values[1].([]byte), raw) || values[2] != string(raw) {
			t.Fatalf("got %#v", values)
		}
	})
}

func TestWhatIsNoImage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "[]", "1", `{"a":1}`, `{"a":""}`, `{"a":"z1"}`, `{"a":"isecret"}`, `{"a":"fsecret"}`, `{"a":"xsecret"}`, `{"a":"t*secret"}`, `{"=*secret":"n"}`,
	} {
		_, _, err := image.Decode(text)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want an error that quotes no value", text, err)
		}
	}
	if _, err := image.Encode([]string{"a"}, []any{true}); err == nil {
		t.Error("a bool was kept; no dialect loads one")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"length":"i200","note":"n","title":"sHello","blob":"bAAE=","=w6U=":"t/w=="}`)
	f.Fuzz(func(t *testing.T, text string) {
		columns, values, err := image.Decode(text)
		if err != nil {
			return
		}
		again, err := image.Encode(columns, values)
		if err != nil {
			t.Fatal(err)
		}
		_, back, err := image.Decode(again)
		if err != nil || len(back) != len(values) {
			t.Fatalf("%q: %v", again, err)
		}
		for i := range values {
			if !identical(values[i], back[i]) {
				t.Errorf("%#v came back as %#v", values[i], back[i])
			}
		}
	})
}

func encode(t *testing.T, columns []string, values []any) string {
	t.Helper()
	text, err := image.Encode(columns, values)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func identical(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	if isX && isY {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	return reflect.DeepEqual(a, b)
}
