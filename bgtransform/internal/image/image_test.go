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
		"", "[]", "1", `{"a":1}`, `{"a":""}`, `{"a":"isecret"}`, `{"=*secret":"n"}`,
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

func identical(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	if isX && isY {
		return math.Float64bits(x) == math.Float64bits(y)
	}
	return reflect.DeepEqual(a, b)
}
