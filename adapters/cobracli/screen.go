package cobracli

import (
	"fmt"
	"io"
	"strings"
)

// screen shows a few lines that change in place on a terminal. Elsewhere it shows
// nothing of them, and what is said is all.
type screen struct {
	w     io.Writer
	live  bool
	drawn int // lines that are there
}

// What a terminal is told. Lines are cut off at its edge, not wrapped: else nobody
// knows how many there are.
const (
	up     = "\x1b[%dA"
	below  = "\r\x1b[J"
	cut    = "\x1b[?7l"
	wrap   = "\x1b[?7h"
	spaces = "    "
)

// draw replaces the lines.
func (s *screen) draw(lines []string) {
	if !s.live {
		return
	}
	var b strings.Builder
	b.WriteString(s.back())
	b.WriteString(cut)
	for _, line := range lines {
		b.WriteString(plain(line) + "\n")
	}
	b.WriteString(wrap)
	s.drawn = len(lines)
	_, _ = io.WriteString(s.w, b.String())
}

// say writes a line that stays, in the place of those that change.
func (s *screen) say(line string) error {
	_, err := io.WriteString(s.w, s.back()+plain(line)+"\n")
	s.drawn = 0
	return err
}

// back is what takes the drawn lines away.
func (s *screen) back() string {
	if s.drawn == 0 {
		return ""
	}
	return fmt.Sprintf(up, s.drawn) + below
}
