package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// How much of the reads is shown.
const (
	showHours     = 24
	showInstances = 10
)

// showReads prints what the pool's reads of the columns on the move came to.
func showReads(ctx context.Context, w io.Writer, control *bgtransform.Control, o order) error {
	if _, err := control.Status(ctx, o.name); err != nil {
		return err // there is no such transform, for one
	}
	r, err := control.Reads(ctx, o.name)
	if err != nil {
		return err
	}
	if o.asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err = io.WriteString(w, readsText(r))
	return err
}

func readsText(r bgtransform.Reads) string {
	if len(r.Hours) == 0 {
		return r.Transform + ": no instance has counted its reads yet; each does within about a minute\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Transform, countsText(r.ReadCounts))
	field(&b, "since", clock(r.Since))
	field(&b, "fell back", clock(r.LastFallback))
	field(&b, "missing", clock(r.LastMissing))
	field(&b, "differed", clock(r.LastMismatch))
	for _, h := range r.Hours[max(0, len(r.Hours)-showHours):] {
		fmt.Fprintf(&b, "    %s  %s\n", h.Hour.Local().Format("Mon 15:04"), countsText(h.ReadCounts))
	}
	for _, in := range r.Instances[:min(len(r.Instances), showInstances)] {
		fmt.Fprintf(&b, "    %s  %s, last counted %s ago\n", in.Instance, countsText(in.ReadCounts), r.Now.Sub(in.Seen).Round(time.Second))
	}
	return b.String()
}

func countsText(c bgtransform.ReadCounts) string {
	return fmt.Sprintf("%s fell back, %s found nothing, %s of %s compared differed",
		thousands(c.Fallbacks), thousands(c.Missing), thousands(c.Mismatches), thousands(c.Compared))
}
