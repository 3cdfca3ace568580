package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// How much of the quarantine and of the operators' log is shown.
const (
	showRows    = 20
	showActions = 5
	showLongLog = 100
)

// showStatus prints a transform, or all of them when name is empty.
func showStatus(ctx context.Context, w io.Writer, control *bgtransform.Control, name string) error {
	var names []string
	if name != "" {
		names = append(names, name)
	}
	all, err := control.Status(ctx, names...)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no transform has ever run in this database; start the app first")
	}
	for _, st := range all {
		rows, err := control.Quarantined(ctx, st.Transform, showRows)
		if err != nil {
			return err
		}
		actions, err := control.Actions(ctx, st.Transform, showActions)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, statusText(st, rows, actions)); err != nil {
			return err
		}
	}
	return nil
}

// statusText is the status as text for a terminal.
func statusText(st bgtransform.Status, rows []bgtransform.QuarantinedRow, actions []bgtransform.Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s\n", st.Transform, st.State)
	field(&b, "why", st.Why().String())
	field(&b, "rows", fmt.Sprintf("%s changed, %s walked in pass %d, %s left to the next pass", thousands(st.Rows), thousands(st.Walked), st.Pass, thousands(st.Moved)))
	if st.State == bgtransform.StateRunning && st.Remaining >= 0 {
		field(&b, "left", fmt.Sprintf("about %s rows in this pass, at %s a second; %.0f%% of the run is done", thousands(st.Remaining), thousands(int64(st.RowsPerSec)), 100*st.Progress))
	}
	field(&b, "finish", st.Finish.String())
	field(&b, "run", fmt.Sprintf("%d, attempt %d, %s batches", st.Run, st.Attempt, thousands(st.Batches)))
	field(&b, "held by", st.Holder)
	for _, p := range st.Pool {
		field(&b, "pool", fmt.Sprintf("%s (version %s) is in stage %s", p.Instance, p.Version, p.Stage))
	}
	field(&b, "started", clock(st.Started))
	field(&b, "complete", clock(st.Completed))
	if st.LastError != "" {
		field(&b, "last error", st.LastError+", "+clock(st.LastErrorAt))
	}
	if st.Quarantined+st.Accepted > 0 {
		field(&b, "quarantine", fmt.Sprintf("%d rows block completion, %d are accepted", st.Quarantined, st.Accepted))
	}
	for _, q := range rows {
		fmt.Fprintf(&b, "    track %s: %s [%s] %s\n", q.Key, firstLine(q.Message), q.Class, standing(q))
	}
	if st.Quarantined > 0 {
		b.WriteString("    fix a track with PUT /tracks/{id}, then retry; or accept that they stay as they are\n")
	}
	for _, t := range st.Tuned {
		field(&b, "set", because(fmt.Sprintf("%s=%s by %s, %s", t.Setting, t.Value, t.By, clock(t.Since)), t.Why))
	}
	for _, a := range actions {
		field(&b, "log", actionText(a))
	}
	return b.String()
}

// showLog prints what operators did to a transform, the newest first.
func showLog(ctx context.Context, w io.Writer, control *bgtransform.Control, name string) error {
	if _, err := control.Status(ctx, name); err != nil {
		return err // there is no such transform, for one
	}
	actions, err := control.Actions(ctx, name, showLongLog)
	if err != nil {
		return err
	}
	for _, a := range actions {
		if _, err := fmt.Fprintln(w, actionText(a)); err != nil {
			return err
		}
	}
	return nil
}

func actionText(a bgtransform.Action) string {
	text := clock(a.At) + "  " + a.Action
	if a.What != "" {
		text += " " + a.What
	}
	return because(text+" by "+a.By, a.Why)
}

func because(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

func field(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "  %-10s  %s\n", name, value)
	}
}

func standing(q bgtransform.QuarantinedRow) string {
	if q.Accepted {
		return "accepted by " + q.By
	}
	return fmt.Sprintf("tries: %d, last %s", q.Tries, clock(q.Last))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
