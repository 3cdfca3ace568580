package cobracli_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// A pass that looks for what is left walks faster than rows may be changed: wherever a
// rate is shown, it is said to be of rows that are walked.
func TestRateIsOfRowsWalked(t *testing.T) {
	t.Parallel()
	st := cases()["paced"]
	st.Pass, st.RowsPerSec = 2, 169961
	for where, text := range map[string]string{
		"list":    cobracli.ListText([]bgtransform.Status{st}, atNoon()),
		"status":  cobracli.StatusText(io.Discard, st, nil, nil, atNoon()),
		"explain": cobracli.ExplainText(st, nil, atNoon()),
	} {
		if !strings.Contains(text, "169,961 walked") {
			t.Errorf("%s does not say what the rate is of:\n%s", where, text)
		}
	}
}
