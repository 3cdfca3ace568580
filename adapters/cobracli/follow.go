package cobracli

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// plainEvery is how often a line tells how far it is where nothing changes in place.
const plainEvery = 10 * time.Second

// follower shows statuses as they change: lines in place on a terminal, elsewhere a line
// when something happens and now and then, and with JSON a line for each change.
type follower struct {
	*session
	screen screen

	said map[string]string    // by transforms: what was said last
	told map[string]time.Time // and when
}

func (s *session) follower() *follower {
	return &follower{
		session: s, screen: screen{w: s.out, live: !s.json && s.live(s.out)},
		said: map[string]string{}, told: map[string]time.Time{},
	}
}

// show brings what is shown up to date.
func (f *follower) show(all ...bgtransform.Status) error {
	if f.screen.live {
		f.screen.draw(f.lines(all))
		return nil
	}
	for _, st := range all {
		if err := f.tell(st); err != nil {
			return err
		}
	}
	return nil
}

// lines are some for each transform: how far, until when, and why.
func (f *follower) lines(all []bgtransform.Status) []string {
	var lines []string
	for _, st := range all {
		lines = append(lines, barLine(st))
		for _, more := range []string{st.Finish.String(), f.reasonLine(st)} {
			if more != "" && !strings.HasSuffix(lines[len(lines)-1], more) {
				lines = append(lines, spaces+more)
			}
		}
	}
	return lines
}

// tell writes a line where one is due.
func (f *follower) tell(st bgtransform.Status) error {
	if f.json {
		return f.tellJSON(st)
	}
	now, kind := f.now(), kindOf(st)
	if kind == f.said[st.Transform] && (now.Sub(f.told[st.Transform]) < plainEvery || !advances(st)) {
		return nil
	}
	f.said[st.Transform], f.told[st.Transform] = kind, now
	return f.screen.say(because(progress(st), f.reasonLine(st)))
}

func (f *follower) tellJSON(st bgtransform.Status) error {
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if f.said[st.Transform] == string(text) {
		return nil
	}
	f.said[st.Transform] = string(text)
	return encode(f.out, st)
}

// kindOf is what stays the same of a status while its numbers change.
func kindOf(st bgtransform.Status) string {
	kind := []string{string(st.State), string(st.Why().Code)}
	if st.Verify != nil {
		kind = append(kind, string(st.Verify.State))
	}
	return strings.Join(kind, " ")
}

// advances reports whether there is something new to be told now and then.
func advances(st bgtransform.Status) bool {
	return st.State == bgtransform.StateRunning || st.State == bgtransform.StateReverting || underWay(st.Verify)
}
