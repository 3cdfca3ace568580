package cobracli

import (
	"strings"
	"unicode"

	"github.com/bgtransform/sidecar/bgtransform"
)

// styled is a text of ours with escape sequences in it. Every other text goes through
// plain before it is shown.
type styled string

// plain replaces what a terminal would take for orders: texts come from rows, from
// errors and from what people have typed.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// The colours of a terminal.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// coloured returns a state in its colour, where the output has colours.
func (s *session) coloured(state bgtransform.State) styled {
	if !s.live(s.out) {
		return styled(state)
	}
	return styled(colourOf(state) + string(state) + reset)
}

func colourOf(state bgtransform.State) string {
	switch state {
	case bgtransform.StateComplete, bgtransform.StateReverted, bgtransform.StateRunning, bgtransform.StateReverting:
		return green
	case bgtransform.StateFailed, bgtransform.StateCancelled:
		return red
	default:
		return yellow
	}
}
