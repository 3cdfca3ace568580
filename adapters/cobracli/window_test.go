package cobracli_test

import (
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// Of a window that never opens it is not said that it goes on when that opens.
func TestExplainAWindowThatNeverOpens(t *testing.T) {
	t.Parallel()
	st := cases()["outside its window"]
	st.Window, st.Reason = "never", bgtransform.Reason{Code: bgtransform.ReasonWindow, Text: "outside its window, which never opens"}
	text := cobracli.ExplainText(st, nil, atNoon())
	if strings.Contains(text, "when that opens") || !strings.Contains(text, "it goes on once") || !strings.Contains(text, "run-now") {
		t.Errorf("it says:\n%s", text)
	}
}
