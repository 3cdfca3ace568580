package cobracli

import (
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
)

// details are a status and what is kept besides.
type details struct {
	st      bgtransform.Status
	rows    []bgtransform.QuarantinedRow
	actions []bgtransform.Action
}

// statusText is all that is known of a transform.
func (s *session) statusText(d details) string {
	var p page
	st := d.st
	p.line("%s is %s", st.Transform, s.coloured(st.State))
	p.field("stuck", s.stuckText(st))
	p.field("why", s.reasonLine(st))
	p.field("rows", fmt.Sprintf("%s changed, %s walked in pass %d, %s left to the next pass",
		thousands(st.Rows), thousands(st.Walked), st.Pass, thousands(st.Moved)))
	p.field("progress", s.progressText(st))
	p.field("finish", st.Finish.String())
	p.field("window", s.windowText(st))
	p.field("run", fmt.Sprintf("%d, attempt %d, %s batches", st.Run, st.Attempt, thousands(st.Batches)))
	p.field("held by", heldBy(st.Holder, s.ago(st.Updated)))
	s.poolText(&p, st)
	p.field("started", s.clock(st.Started))
	p.field("complete", s.clock(st.Completed))
	p.field("verified", s.clock(st.Verified))
	if st.Verify != nil && st.Verified.IsZero() {
		p.field("verify", verifyText(*st.Verify))
	}
	if st.LastError != "" {
		p.field("last error", st.LastError+", "+s.clock(st.LastErrorAt))
	}
	s.quarantineText(&p, d)
	for _, t := range st.Tuned {
		p.field("set", because(fmt.Sprintf("%s=%s by %s, %s", t.Setting, t.Value, t.By, s.clock(t.Since)), t.Why))
	}
	for _, a := range d.actions {
		p.field("log", s.actionText(a))
	}
	return p.String()
}

// stuckText says since when a transform has not come forward that should.
func (s *session) stuckText(st bgtransform.Status) string {
	if st.Stuck.IsZero() {
		return ""
	}
	return "has not come forward since " + s.clock(st.Stuck) + ", and should have"
}

func heldBy(holder, sign string) string {
	if holder == "" {
		return ""
	}
	return fmt.Sprintf("%s, last sign %s", holder, sign)
}

// progressText is how far a run is; empty where nobody knows, and once it is over.
func (s *session) progressText(st bgtransform.Status) string {
	if st.Progress < 0 || st.State == bgtransform.StateComplete {
		return ""
	}
	text := bar(st.Progress) + " " + percent(st.Progress) + " of the run"
	if st.State == bgtransform.StateRunning && st.Remaining >= 0 {
		text += fmt.Sprintf(", about %s rows left in this pass, at %s walked a second", thousands(st.Remaining), thousands(int64(st.RowsPerSec)))
	}
	return text
}

func (s *session) poolText(p *page, st bgtransform.Status) {
	for _, in := range st.Pool {
		p.field("pool", fmt.Sprintf("%s is in stage %s, seen %s", versioned(in.Instance, in.Version, in.Build), in.Stage, s.ago(in.LastSeen)))
	}
}

// versioned names an instance with its version, or what it was built from.
func versioned(instance, version, build string) string {
	switch {
	case version != "":
		return instance + " (version " + version + ")"
	case build != "":
		return instance + " (build " + build + ")"
	default:
		return instance
	}
}

func (s *session) quarantineText(p *page, d details) {
	st := d.st
	if st.Quarantined+st.Accepted == 0 {
		return
	}
	block := "rows block"
	if st.Quarantined == 1 {
		block = "row blocks"
	}
	p.field("quarantine", fmt.Sprintf("%s %s completion, %s are accepted", thousands(st.Quarantined), block, thousands(st.Accepted)))
	for _, q := range d.rows {
		p.line("    %s", s.quarantinedText(q))
	}
	if more := st.Quarantined + st.Accepted - int64(len(d.rows)); more > 0 {
		p.line("    and %s more: %s", thousands(more), s.command("quarantine %s", st.Transform))
	}
	if st.Quarantined > 0 {
		p.line("    mend them and %s, or %s", s.command("retry %s", st.Transform), s.command("accept %s", st.Transform))
	}
}
