package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform"
)

// fresh weighs a transform that has never run: then the data must say that there is
// nothing to do.
func (w *weigher) fresh(ctx context.Context, name string, st bgtransform.Status) ([]Missing, error) {
	m := Missing{Transform: name, Piece: PieceComplete, Remaining: -1, Commands: []string{w.say("finish", name)}}
	tell := w.teller(name)
	if tell == nil {
		m.Text = "it has never run, and nothing says how to tell by the data whether that is needed (gate.Data, gate.Transforms)"
		return []Missing{m}, nil
	}
	pending, err := tell(ctx, w.db)
	switch {
	case errors.Is(err, bgtransform.ErrPendingUntold):
		m.Text = "it has never run, and " + err.Error()
	case err != nil:
		return nil, err
	case !pending:
		return nil, nil
	default:
		m.Text = because("it has never run, and rows are pending", st.Why().String())
	}
	return []Missing{m}, nil
}

// run weighs what a transform has done.
func (w *weigher) run(ctx context.Context, st bgtransform.Status) ([]Missing, error) {
	var missing []Missing
	held := st.Why().Code == bgtransform.ReasonQuarantine
	if st.State != bgtransform.StateComplete && !held {
		missing = append(missing, w.incomplete(st))
	}
	if st.Quarantined > 0 {
		m := Missing{
			Transform: st.Transform, Piece: PieceQuarantine, Remaining: st.Quarantined,
			Text:     rows(st.Quarantined) + " in quarantine: mend and retry, or accept that they stay as they are",
			Commands: []string{w.say("retry", st.Transform), w.say("accept", st.Transform)},
		}
		if !st.Contracted.IsZero() { // which nothing tries again
			m.Commands = m.Commands[1:]
		}
		missing = append(missing, m)
	}
	if st.State == bgtransform.StateComplete && st.Verified.IsZero() && !w.unverified {
		m, err := w.unproven(ctx, st)
		if err != nil {
			return nil, err
		}
		missing = append(missing, m)
	}
	return missing, nil
}

// incomplete says how far a transform is, and what makes it go on.
func (w *weigher) incomplete(st bgtransform.Status) Missing {
	m := Missing{Transform: st.Transform, Piece: PieceComplete, Remaining: st.Remaining, Until: st.Finish.At}
	text := []string{"it is " + string(st.State)}
	if st.Remaining >= 0 {
		text = append(text, "about "+rows(st.Remaining)+" left to walk in this pass")
	}
	if finish := st.Finish.String(); finish != "" && st.Finish.State != bgtransform.ForecastStopped {
		text = append(text, finish)
	}
	m.Text = because(strings.Join(text, ", "), st.Why().String())
	switch contracted := !st.Contracted.IsZero(); {
	case st.Disputed() && contracted, st.Outdated():
		m.Commands = []string{w.say("accept", st.Transform)}
		return m
	case st.Disputed(): // which of the two is right, only a human knows
		m.Commands = []string{w.say("accept", st.Transform), w.say("restart", st.Transform)}
		return m
	case contracted: // nothing makes it go on
		m.Commands = []string{w.say("explain", st.Transform)}
		return m
	}
	switch st.State {
	case bgtransform.StatePaused:
		m.Commands = []string{w.say("resume", st.Transform)}
	case bgtransform.StateFailed:
		m.Commands = []string{w.say("retry", st.Transform)}
	case bgtransform.StateCancelled, bgtransform.StateReverting, bgtransform.StateReverted:
		m.Commands = []string{w.say("restart", st.Transform)}
	default:
		m.Commands = []string{w.say("finish", st.Transform)}
	}
	return m
}

// unproven says why a complete transform does not count as verified.
func (w *weigher) unproven(ctx context.Context, st bgtransform.Status) (Missing, error) {
	m := Missing{Transform: st.Transform, Piece: PieceVerified, Remaining: -1, Commands: []string{w.say("verify", st.Transform)}}
	v := st.Verify
	switch {
	case v == nil:
		m.Text = "it was never verified"
	case v.State == bgtransform.VerifyAsked, v.State == bgtransform.VerifyRunning:
		m.Text, m.Until = because("it is being verified", st.Finish.String()), st.Finish.At
		m.Commands = []string{w.say("status", st.Transform)}
	case v.State == bgtransform.VerifyStopped, v.State == bgtransform.VerifyFailed:
		m.Text = because("its verification has come to no end", v.Reason)
	case !v.Clean():
		m.Text = fmt.Sprintf("its verification found %s wrong, of which %d were repaired, %d pending and %d that could not be checked",
			rows(v.Mismatches), v.Repaired, v.Pending, v.Unchecked)
		err := w.disagreed(ctx, &m)
		return m, err
	default:
		m.Text = "it was verified, but not since it last became complete"
	}
	return m, nil
}

// listed is how many of the rows that a verification has found are looked at: as many as it keeps.
const listed = 1000

// disagreed adds to m about what the Go code and the SQL of a move disagree, which no
// repair mends.
func (w *weigher) disagreed(ctx context.Context, m *Missing) error {
	found, err := w.control.Mismatches(ctx, m.Transform, listed)
	if err != nil {
		return err
	}
	of := map[string]int64{}
	for _, row := range found {
		if strings.HasPrefix(row.Class, bgtransform.MismatchDisagrees) {
			of[row.Class]++
		}
	}
	if len(of) == 0 {
		return nil
	}
	for _, class := range slices.Sorted(maps.Keys(of)) {
		m.Text += fmt.Sprintf("; %s (%s)", class, rows(of[class]))
	}
	m.Text += ": mend the definition of the move, and verify again"
	m.Commands = append([]string{w.say("mismatches", m.Transform)}, m.Commands...)
	return nil
}

func because(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// rows spells a number of rows: "1,200 rows".
func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + " rows"
}
