package bgtransformtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform"
)

// status returns the transform's status as the database knows it, if it does.
func (b *bench) status(ctx context.Context, m *memory) (bgtransform.Status, bool) {
	c, err := bgtransform.NewControl(m.db)
	if err != nil {
		return bgtransform.Status{}, false
	}
	st, err := c.Status(ctx, b.name)
	if err != nil || len(st) != 1 {
		return bgtransform.Status{}, false
	}
	return st[0], true
}

// verify returns nil when the transform has ended as it should: complete, or
// with just the rows in quarantine that the test expects.
func (b *bench) verify(ctx context.Context, m *memory) error {
	st, known := b.status(ctx, m)
	if !known {
		return fmt.Errorf("transform %q has left nothing in the database", b.name)
	}
	want := "complete"
	if b.quarantine > 0 {
		want = fmt.Sprintf("done but for %s in quarantine", plural(b.quarantine, "row"))
	}
	switch {
	case b.quarantine == 0 && st.State == bgtransform.StateComplete:
		return nil
	case b.quarantine > 0 && st.Reason.Code == bgtransform.ReasonQuarantine && st.Quarantined == b.quarantine:
		return nil
	}
	text := fmt.Sprintf("transform %q is %s, want it %s", b.name, st.State, want)
	if why := reasonText(st.Reason); why != "" {
		text += "\n  why: " + why
	}
	if st.LastError != "" && !strings.Contains(text, st.LastError) {
		text += "\n  last error: " + st.LastError
	}
	rows, err := b.quarantined(ctx, m)
	if err != nil {
		return errors.Join(errors.New(text), err)
	}
	return errors.New(text + rows)
}

func reasonText(r bgtransform.Reason) string {
	if r.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", r.Text, r.Code)
}

// mostShown bounds the lines of a list in a failure.
const mostShown = 10

// quarantined lists the rows in quarantine, with what user code said of them:
// in a test, values may be shown.
func (b *bench) quarantined(ctx context.Context, m *memory) (string, error) {
	c, err := bgtransform.NewControl(m.db)
	if err != nil {
		return "", err
	}
	rows, err := c.Quarantined(ctx, b.name, 1000)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	lines := make([]string, len(rows))
	for i, q := range rows {
		message, stack, _ := strings.Cut(q.Message, "\n")
		lines[i] = fmt.Sprintf("key %s: %s (%s)", q.Key, message, q.Class)
		if stack != "" && i == 0 {
			lines[i] += "\n" + indent(stack)
		}
	}
	return "\n  in quarantine:\n" + indent(list(lines)), nil
}

// list joins lines, and says how many it leaves out.
func list(lines []string) string {
	if more := len(lines) - mostShown; more > 0 {
		lines = append(lines[:mostShown:mostShown], fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
