package telemetry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bgtransform/sidecar/bgtransform"
)

// pgxError and pgdriverError look like the errors of the two drivers.
type pgxError struct{ code string }

func (e *pgxError) Error() string    { return "ERROR: (SQLSTATE " + e.code + ")" }
func (e *pgxError) SQLState() string { return e.code }

type pgdriverError map[byte]string

func (e pgdriverError) Error() string       { return "ERROR" }
func (e pgdriverError) Field(k byte) string { return e[k] }

func TestErrorType(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"the code of pgx":              {fmt.Errorf("write: %w", &pgxError{"40001"}), "40001"},
		"the code of pgdriver":         {fmt.Errorf("write: %w", pgdriverError{'C': "57014"}), "57014"},
		"a code that is none is not":   {&pgxError{"Alice"}, "*telemetry_test.pgxError"},
		"a type for want of a code":    {fmt.Errorf("write: %w", &pgxError{}), "*telemetry_test.pgxError"},
		"a plain error with no secret": {errors.New("alice@example.com"), "*errors.errorString"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness()
			h.batch(t.Context(), 1, bgtransform.BatchResult{}, tt.err)
			if got := attributes(h.only(t, "bgtransform.batch"))["error.type"]; got != tt.want {
				t.Errorf("got error.type %v, want %s", got, tt.want)
			}
		})
	}
}

func TestErrorDescriptionIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.batch(t.Context(), 1, bgtransform.BatchResult{}, errors.New(strings.Repeat("ä", 1000)+"b"))
	got := h.only(t, "bgtransform.batch").Status().Description
	if len(got) > 500 || len(got) < 490 || !utf8.ValidString(got) {
		t.Errorf("got a description of %d bytes, valid: %t", len(got), utf8.ValidString(got))
	}
}
