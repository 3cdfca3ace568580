package contract

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/internal/backoff"
)

// longestPause is how long it waits between two tries at most.
const longestPause = 30 * time.Second

// tries is how often one step has given way.
type tries struct {
	*run

	wait  backoff.Backoff
	say   string    // the step
	since time.Time // of the first try that gave way; zero before
}

// begin tells of a step, once for all of its tries.
func (t *tries) begin(ctx context.Context, say string) {
	if say == t.say && !t.since.IsZero() {
		return
	}
	t.say = say
	t.logger.InfoContext(ctx, "contract step", "table", t.table, "step", say)
}

func (t *tries) reset() {
	t.wait.Reset()
	t.since = time.Time{}
}

// giveWay waits until it is time for the next try, or returns why there is none. busy
// is the error of the last one.
func (t *tries) giveWay(ctx context.Context, busy error) error {
	if t.since.IsZero() {
		t.since = time.Now()
	}
	holder, pause := t.holder(ctx), t.wait.Next()
	if left := t.patience - time.Since(t.since); left < pause {
		text := fmt.Sprintf("the table could not be had within %s to %s", t.patience, t.say)
		if holder != "" {
			text += ": it is held by " + holder
		}
		return &failure{kind: ErrBusy, text: text + "; call again, it goes on from here", cause: busy}
	}
	t.logger.WarnContext(ctx, "contract step gives way", "table", t.table, "step", t.say, "held_by", holder, "next_try_in", pause)
	return backoff.Sleep(ctx, pause)
}
