package cobracli

import (
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// windowText says when batches may run, and when that begins or ends; empty where
// nobody knows.
func (c config) windowText(st bgtransform.Status) string {
	w, err := window.Parse(st.Window)
	if st.Window == "" || err != nil {
		return st.Window
	}
	now := c.now()
	if w.Contains(now) {
		if closes, ok := w.Closes(now); ok {
			return st.Window + ": open, closes " + c.in(closes)
		}
		return st.Window
	}
	opens, ok := w.Next(now)
	if !ok {
		return st.Window
	}
	return st.Window + ": opens " + opens.Format("Mon 15:04 MST") + ", " + c.in(opens)
}
