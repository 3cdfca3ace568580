package bgtransform_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// The last key of a range is the last in the key's own order, not in that of the
// text in which the key is read: 999 comes before 1000. Else the end of every pass
// would be left out.
func TestI5CompleteWithKeysReadAsText(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]bgtransform.Transform{"rows": toMS("x"), "sql": toMSBySQL("x")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDBOn(t, "pg", 50)
			exec(t, db, "ALTER TABLE tracks ALTER id TYPE numeric")
			exec(t, db, "UPDATE tracks SET id = id + 970")
			audit(t, db)
			start(t, db, quick(t), kind).untilState("x", bgtransform.StateComplete)
			wantOnce(t, db, 50)
		})
	}
}
