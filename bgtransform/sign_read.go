package bgtransform

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// abandoned is the status of a transform whose holder works on it no more, and could
// not write that down under the fence: it does not read as if somebody were at work.
func abandoned(st Status, why Reason) Status {
	if st.State.advancing() {
		st.State = StateWaiting
	}
	st.Reason, st.Holder, st.RowsPerSec = why, "", 0
	return st
}

// withSign adds to a status what the instances say, when nothing in it tells
// why the transform is not advanced. While there is a holder, that is what the
// holder itself has said since its last checkpoint, or, once it has been silent
// for too long, what anybody has.
func withSign(st Status, signs []store.Sign) Status {
	if st.State.Settled() && !st.Verify.underWay() {
		return st
	}
	st = withHoldersSign(st, signs)
	for _, sign := range signs {
		old := st.Reason.Code == ReasonUnattended && sign.SeenMS < st.Updated.UnixMilli()
		if sign.Name != st.Transform || st.Holder != "" || old {
			continue
		}
		st.Here = said(sign)
		return st
	}
	return st
}

// withHoldersSign takes the holder's word for it that it has stopped.
func withHoldersSign(st Status, signs []store.Sign) Status {
	for _, sign := range signs {
		if st.Holder != "" && sign.Name == st.Transform && sign.Instance == st.Holder && sign.SeenMS >= st.Updated.UnixMilli() {
			return abandoned(st, said(sign))
		}
	}
	return st
}

// said is the reason that an instance gives.
func said(sign store.Sign) Reason {
	return Reason{
		Code:  ReasonCode(sign.ReasonCode),
		Text:  sign.Reason + " (said by " + sign.Instance + " at " + at(sign.SeenMS).Format(time.TimeOnly) + ")",
		Until: at(sign.ReasonUntilMS),
	}
}

// signsOfOthers reads what instances say, if another one than this is at work on a
// transform: it may seem so only because that could not write down that it has stopped.
func (s *Scheduler) signsOfOthers(ctx context.Context, recs map[string]store.Record) ([]store.Sign, error) {
	for _, rec := range recs {
		if rec.Range.HeartbeatMS == 0 || rec.Range.Holder == s.cfg.Instance {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, bootTimeout)
		defer cancel()
		signs, err := s.store.Signs(ctx)
		if err != nil {
			return nil, fmt.Errorf("bgtransform: read status: %w", err)
		}
		return signs, nil
	}
	return nil, nil
}
