package bgtransform

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// leaveTimeout bounds the last write of an attempt, which runs after ctx has ended.
const leaveTimeout = 2 * time.Second

// leave writes how the attempt ends and that the holder has left. After the
// lease or the fence is lost it writes nothing: somebody else is in charge.
func (a *attempt) leave(ctx context.Context, end ending) error {
	a.e.update(func(v *view) { v.holding = false })
	if end.state == "" {
		level := slog.LevelWarn
		if end.reason.Code == ReasonDryRun {
			level = slog.LevelInfo
		}
		a.log.Log(ctx, level, "bgtransform: attempt ended", "reason", end.reason.Text)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := a.settle(ctx); err != nil {
		a.log.WarnContext(ctx, "bgtransform: attempt ended", "reason", end.reason.Text, "error", a.s.safeText(err))
		return err
	}
	if a.verifying() {
		end = a.leaveVerify(end)
	}
	r, t := a.rec.Range, a.rec.Transform
	more := a.atLeave(end, &r)
	t.ReasonCode, t.Reason, t.ReasonUntilMS = string(end.reason.Code), end.reason.Text, millis(end.reason.Until)
	if end.err != nil {
		t.LastError, t.LastErrorMS = a.s.safeText(end.err), time.Now().UnixMilli()
	}
	if end.state == doneIn(a.rec.Range.Mode) && end.state != State(t.State) {
		t.CompletedMS = max(a.rec.NowMS, time.Now().UnixMilli())
	}
	level := slog.LevelInfo
	if end.err != nil {
		level = slog.LevelWarn
	}
	a.log.Log(ctx, level, "bgtransform: "+string(end.state), "reason", end.reason.Text, "rows", a.rec.Range.Changed)
	if err := a.write(ctx, r, &t, end.state, more); err != nil {
		a.log.WarnContext(ctx, "bgtransform: cannot write how the attempt ended", "class", a.s.d.Classify(err), "error", a.s.safeText(err))
		return err
	}
	a.show()
	return nil
}

// show publishes the attempt's record to the status of this instance.
func (a *attempt) show() {
	rec := a.rec
	a.e.update(func(v *view) {
		v.record, v.revision, v.here = &rec, rec.Intent.Revision, Reason{}
		v.holding = State(rec.Transform.State).advancing() || rec.Range.Mode == store.ModeVerify
	})
}

func (a *attempt) runID() RunID {
	return RunID{Transform: a.e.name, Run: a.rec.Range.Run, Attempt: a.fence.Number}
}

// runEnd tells what was written of the attempt's end, or, if that failed, why.
func (a *attempt) runEnd(end ending, left error) RunEndInfo {
	info := RunEndInfo{RunID: a.runID(), State: State(a.rec.Transform.State), Reason: end.reason}
	if err := cmp.Or(left, end.err); err != nil {
		info.Err = a.s.safe(err)
	}
	return info
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
