package keyset_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/keyset"
)

func keys() *rapid.Generator[keyset.Key] {
	part := rapid.OneOf(
		rapid.Int64().AsAny(),
		rapid.Float64().AsAny(),
		rapid.String().AsAny(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }).AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(),
	)
	return rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []any) keyset.Key { return parts })
}

func TestKeySurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := keys().Draw(t, "key")
		got := mustDecode(t, mustEncode(t, key))
		if diff := cmp.Diff(key, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("key changed on its way through text (-want +got):\n%s", diff)
		}
	})
}

func TestDifferentKeysHaveDifferentTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys().Draw(t, "a"), keys().Draw(t, "b")
		same := cmp.Equal(a, b, cmpopts.EquateEmpty())
		if texts := mustEncode(t, a) == mustEncode(t, b); texts != same {
			t.Fatalf("keys equal: %t, texts equal: %t", same, texts)
		}
	})
}

func TestEncodeIsStable(t *testing.T) {
	t.Parallel()
	// Cursors outlive the version that wrote them: these texts may not change.
	for want, key := range map[string]keyset.Key{
		`["i42"]`:                   {int64(42)},
		`["i-9223372036854775808"]`: {int64(math.MinInt64)},
		`["f0.1"]`:                  {0.1},
		`["f+Inf"]`:                 {math.Inf(1)},
		`["s"]`:                     {""},
		`["tYSJiXGPDvA=="]`:         {`a"b\cü`},
		`["sa b"]`:                  {"a b"},
		`["t/w=="]`:                 {"\xff"},
		`["bAP8="]`:                 {[]byte{0, 0xff}},
		`["b"]`:                     {[]byte{}},
		`["i1","sx","b"]`:           {int64(1), "x", []byte{}},
	} {
		if got := mustEncode(t, key); got != want {
			t.Errorf("Encode(%v) = %s, want %s", key, got, want)
		}
	}
}

func TestEncodeRefusesWhatIsNoKey(t *testing.T) {
	t.Parallel()
	if _, err := (keyset.Key{int64(1), nil}).Encode(); !errors.Is(err, keyset.ErrNull) {
		t.Errorf("Encode with a NULL part = %v, want ErrNull", err)
	}
	for _, v := range []any{true, 1, uint32(1), time.Time{}, struct{}{}} {
		if text, err := (keyset.Key{v}).Encode(); err == nil {
			t.Errorf("Encode(%T) = %q, want an error", v, text)
		}
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                         "not a list",
		`42`:                       "not a list",
		`{"a":1}`:                  "not a list",
		`["i1"`:                    "not a list",
		`[ "i1" ]`:                 "",
		`["sa\"b\\cü"]`:            "",
		`["n"]`:                    "part 1: NULL",
		`["i1"]x`:                  "not a list",
		`[1]`:                      "not a list",
		`null`:                     "no key parts",
		`[]`:                       "no key parts",
		`[""]`:                     "part 1: empty",
		`["i1",""]`:                "part 2: empty",
		`["i1",null]`:              "part 2: empty",
		`["i"]`:                    "not an integer",
		`["i1.5"]`:                 "not an integer",
		`["i9223372036854775808"]`: "not an integer",
		`["fNaN"]`:                 "", // PostgreSQL sorts it after all others
		`["fx"]`:                   "not a number",
		`["b!"]`:                   "not base64",
		`["tYQ"]`:                  "not base64",
		`["z1"]`:                   "unknown type tag",
	} {
		_, err := keyset.Decode(text)
		if want == "" && err != nil {
			t.Errorf("Decode(%s) = %v, want nil", text, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Decode(%s) = %v, want an error with %q", text, err, want)
		}
	}
}

// FuzzDecode: no text makes Decode panic, and what it accepts has one text.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`["i42"]`, `["f0.1"]`, `["sx","b/w=="]`, `["t/w=="]`, `["f-0"]`, `["f+Inf"]`, `["fNaN"]`, `["f0x1p-2"]`,
		`[]`, `null`, `[""]`, `["i1",null]`, `["b\n"]`, `["s\u0000"]`, `["s\ud800"]`, `[[["i1"]]]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := keyset.Decode(text)
		if err != nil {
			return
		}
		if len(key) == 0 {
			t.Fatalf("Decode(%q) returned an empty key", text)
		}
		canonical := mustEncode(t, key)
		again := mustDecode(t, canonical)
		if diff := cmp.Diff(key, again, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("Decode(%q) and its own text %q differ:\n%s", text, canonical, diff)
		}
		if twice := mustEncode(t, again); twice != canonical {
			t.Fatalf("texts of one key: %q and %q", canonical, twice)
		}
	})
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustEncode(t fataler, key keyset.Key) string {
	t.Helper()
	text, err := key.Encode()
	if err != nil {
		t.Fatalf("Encode(%v) = %v", key, err)
	}
	return text
}

func mustDecode(t fataler, text string) keyset.Key {
	t.Helper()
	key, err := keyset.Decode(text)
	if err != nil {
		t.Fatalf("Decode(%q) = %v", text, err)
	}
	return key
}
