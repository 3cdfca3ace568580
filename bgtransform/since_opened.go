package bgtransform

import (
	"time"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// sinceOpened takes back that a transform is outside its window if an operator has opened one
// since it was last worked on: no instance has looked again yet.
func sinceOpened(st Status, w window.Window, now time.Time) Status {
	if st.Why().Code != ReasonWindow || !w.Contains(now) {
		return st
	}
	for _, t := range st.Tuned {
		if t.Setting != SettingWindow || !t.Since.After(st.Updated) {
			continue
		}
		st.Here = Reason{}
		if st.Reason.Code != ReasonAsked { // else more was asked for
			st.Reason = Reason{Code: ReasonAsked, Text: "its window was opened by " + t.By + ", waits for an instance to go on"}
		}
	}
	return st
}
