package cobracli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Explanation is what explain says with --json: why a transform is where it is.
type Explanation struct {
	Transform string             `json:"transform"`
	State     bgtransform.State  `json:"state"`
	Reason    bgtransform.Reason `json:"reason,omitzero"` // zero if nothing holds it up
	Means     string             `json:"means"`           // in plain words
	Commands  []Advice           `json:"commands"`        // what an operator can do
	Status    bgtransform.Status `json:"status"`
}

// Advice is a command that an operator may want.
type Advice struct {
	Command string `json:"command"`
	Does    string `json:"does"`
}

func (c *commands) explain() *cobra.Command {
	return &cobra.Command{
		Use: "explain NAME", Short: "Say why a transform is quiet, and what can be done", Args: oneName, ValidArgsFunction: c.completeName,
		RunE: c.runOn(func(ctx context.Context, s *session, words []string) error {
			st, err := s.one(ctx, words[0])
			if err != nil {
				return err
			}
			var last []bgtransform.Action
			if !isUnstarted(st) {
				asked, cancel := brief(ctx)
				defer cancel()
				if last, err = s.control.Actions(asked, st.Transform, 1); err != nil {
					return err
				}
			}
			e := s.explanation(st)
			return s.answer(e, s.explainText(e, last))
		}),
	}
}

// explanation says what a status means.
func (s *session) explanation(st bgtransform.Status) Explanation {
	m := meaningOf(st)
	e := Explanation{Transform: st.Transform, State: st.State, Reason: st.Why(), Means: m.text, Commands: []Advice{}, Status: st}
	for _, do := range m.do {
		if !sensible(st, do.words) {
			continue
		}
		e.Commands = append(e.Commands, Advice{s.command("%s", strings.ReplaceAll(do.words, "NAME", st.Transform)), do.does})
	}
	return e
}

// sensible reports whether the state of a transform allows a command: who is told to do
// something should not be refused.
func sensible(st bgtransform.Status, words string) bool {
	switch action, _, _ := strings.Cut(words, " "); action {
	case "pause", "resume", "cancel", "retry", "accept", "restart", "revert", "verify":
		return st.Allows(action)
	default:
		return true
	}
}

func (s *session) explainText(e Explanation, last []bgtransform.Action) string {
	var p page
	st := e.Status
	p.line("%s", styled(because(fmt.Sprintf("%s is %s", plain(e.Transform), s.coloured(e.State)), plain(s.reasonLine(st)))))
	for _, line := range wrapped(e.Means, 96) {
		p.line("  %s", line)
	}
	p.line("")
	p.field("stuck", s.stuckText(st))
	p.field("done", s.doneText(st))
	p.field("finish", st.Finish.String())
	p.field("verified", s.clock(st.Verified))
	if st.Verify != nil && st.Verified.IsZero() {
		p.field("verify", verifyText(*st.Verify))
	}
	p.field("held by", nobody(heldBy(st.Holder, s.ago(st.Updated))))
	s.poolText(&p, st)
	p.field("window", s.windowText(st))
	for _, t := range st.Tuned {
		p.field("set", because(fmt.Sprintf("%s=%s by %s, %s", t.Setting, t.Value, t.By, s.ago(t.Since)), t.Why))
	}
	if st.LastError != "" {
		p.field("last error", st.LastError+", "+s.ago(st.LastErrorAt))
	}
	for _, a := range last {
		p.field("last asked", because(fmt.Sprintf("%s by %s, %s", a.Action, a.By, s.ago(a.At)), a.Why))
	}
	adviceText(&p, e.Commands)
	return p.String()
}

func nobody(holder string) string {
	if holder == "" {
		return "nobody"
	}
	return holder
}

// doneText is how far the run is.
func (s *session) doneText(st bgtransform.Status) string {
	text := thousands(st.Rows) + " rows changed in run " + thousands(st.Run)
	if st.Progress >= 0 {
		text = percent(st.Progress) + ", " + text
	}
	if rate := rateText(st); rate != "" {
		text += ", " + rate
	}
	if st.Quarantined > 0 {
		text += ", " + thousands(st.Quarantined) + " in quarantine"
	}
	return text
}

// adviceText lists commands, with what they do in a column.
func adviceText(p *page, all []Advice) {
	if len(all) == 0 {
		return
	}
	width := 0
	for _, a := range all {
		width = max(width, len([]rune(a.Command)))
	}
	p.line("\n  what you can do")
	for _, a := range all {
		p.line("    %-*s  %s", width, a.Command, a.Does)
	}
}

// wrapped breaks a text into lines between its words.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
