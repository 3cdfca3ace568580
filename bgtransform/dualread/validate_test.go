package dualread_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(m *dualread.Move[track, int64])
		want   string
	}{
		"no name":                  {func(m *dualread.Move[track, int64]) { m.Name = "" }, "Name is missing"},
		"name with capitals":       {func(m *dualread.Move[track, int64]) { m.Name = "Track" }, "Name may have lower-case"},
		"name with a space":        {func(m *dualread.Move[track, int64]) { m.Name = "a b" }, "Name may have lower-case"},
		"name that is not ASCII":   {func(m *dualread.Move[track, int64]) { m.Name = "länge" }, "Name may have lower-case"},
		"name too long":            {func(m *dualread.Move[track, int64]) { m.Name = strings.Repeat("a", 101) }, "Name has 101 characters"},
		"name with a dash first":   {func(m *dualread.Move[track, int64]) { m.Name = "-a" }, "begins with a letter or digit"},
		"no old columns":           {func(m *dualread.Move[track, int64]) { m.OldColumns = nil }, "OldColumns is missing"},
		"an empty old column":      {func(m *dualread.Move[track, int64]) { m.OldColumns = []string{""} }, "OldColumns[0] is empty"},
		"an old column twice":      {func(m *dualread.Move[track, int64]) { m.OldColumns = []string{"a", "a"} }, `OldColumns has "a" twice`},
		"no new columns":           {func(m *dualread.Move[track, int64]) { m.NewColumns = nil }, "NewColumns is missing"},
		"an empty new column":      {func(m *dualread.Move[track, int64]) { m.NewColumns = []string{"a", ""} }, "NewColumns[1] is empty"},
		"old and new the same":     {func(m *dualread.Move[track, int64]) { m.NewColumns = []string{"length"} }, `NewColumns[0] "length" is one of OldColumns`},
		"SQL for too few columns":  {func(m *dualread.Move[track, int64]) { m.NewColumns = []string{"a", "b"} }, "Forward has 1 expressions: want one for each of NewColumns, of which there are 2"},
		"too much SQL backward":    {func(m *dualread.Move[track, int64]) { m.Backward = []string{"?", "?"} }, "Backward has 2 expressions: want one for each of OldColumns, of which there are 1"},
		"SQL that is empty":        {func(m *dualread.Move[track, int64]) { m.Forward = []string{""} }, "Forward is empty"},
		"SQL without a column":     {func(m *dualread.Move[track, int64]) { m.Forward = []string{"length * 1000"} }, `Forward does not use column "length"`},
		"SQL with an escaped ?":    {func(m *dualread.Move[track, int64]) { m.Forward = []string{`a \? b`} }, `Forward does not use column "length"`},
		"SQL with too many ?":      {func(m *dualread.Move[track, int64]) { m.Forward = []string{"? + ?"} }, "Forward asks for column 2: OldColumns has 1"},
		"SQL with a high index":    {func(m *dualread.Move[track, int64]) { m.Backward = []string{"?0 + ?7"} }, "Backward asks for column 8: NewColumns has 1"},
		"SQL with a name":          {func(m *dualread.Move[track, int64]) { m.HasOld = "? > ?length" }, "HasOld has ?length:"},
		"SQL with a name in ()":    {func(m *dualread.Move[track, int64]) { m.Forward = []string{"? + ?(length)"} }, "Forward has ?(:"},
		"SQL with an absurd index": {func(m *dualread.Move[track, int64]) { m.Forward = []string{"? + ?99999999999"} }, "Forward has ?99999999999:"},
		"no Old":                   {func(m *dualread.Move[track, int64]) { m.Old = nil }, "Old is missing"},
		"no New":                   {func(m *dualread.Move[track, int64]) { m.New = nil }, "New is missing"},
		"no SetOld":                {func(m *dualread.Move[track, int64]) { m.SetOld = nil }, "SetOld is missing"},
		"no SetNew":                {func(m *dualread.Move[track, int64]) { m.SetNew = nil }, "SetNew is missing"},
		"a share above 1":          {func(m *dualread.Move[track, int64]) { m.Compare.Share = 1.5 }, "Compare.Share is 1.5: it must be above 0 and at most 1"},
		"a negative share":         {func(m *dualread.Move[track, int64]) { m.Compare.Share = -1 }, "Compare.Share is -1"},
		"a negative budget":        {func(m *dualread.Move[track, int64]) { m.Compare.Budget = -1 }, "Compare.Budget is -1ns: it must be above 0"},
		"a phase that is none":     {func(m *dualread.Move[track, int64]) { m.Phase = 9 }, "Phase is Phase(9): valid are old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			move := lengthMove()
			tc.change(&move)
			c, err := dualread.New(move)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New error = %v, want one that says %q", err, tc.want)
			}
			if c != nil {
				t.Errorf("New = %v beside an error, want nil", c)
			}
		})
	}
}

func TestNewNamesAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dualread.New(dualread.Move[*track, int64]{})
	const want = `dualread: move "": ` +
		`M is *dualread_test.track: it must be a struct, the bun model itself and not a pointer to it; ` +
		`Name is missing; OldColumns is missing; NewColumns is missing; ` +
		`Old is missing; New is missing; SetOld is missing; SetNew is missing`
	if err == nil || err.Error() != want {
		t.Errorf("New error:\n got %v\nwant %s", err, want)
	}
}

func TestNewTakesEveryValidMove(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(m *dualread.Move[track, int64]){
		"short name":             func(m *dualread.Move[track, int64]) { m.Name = "a" },
		"long name of all kinds": func(m *dualread.Move[track, int64]) { m.Name = "a.b-c_9" + strings.Repeat("z", 93) },
		"cast after a ?":         func(m *dualread.Move[track, int64]) { m.Forward = []string{"?::bigint * 1000"} },
		"column twice":           func(m *dualread.Move[track, int64]) { m.Forward = []string{"?0 + ?0"} },
		"escaped operator":       func(m *dualread.Move[track, int64]) { m.Forward = []string{`? \? 'a'`} },
		"no SQL":                 func(m *dualread.Move[track, int64]) { m.Forward, m.Backward = nil, nil },
		"start in phase new":     func(m *dualread.Move[track, int64]) { m.Phase = dualread.PhaseNew },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			move := lengthMove()
			change(&move)
			c := newColumn(t, move)
			if c.Name() != move.Name || c.Phase() != move.Phase {
				t.Errorf("column = %q in %v, want %q in %v", c.Name(), c.Phase(), move.Name, move.Phase)
			}
		})
	}
}

func TestColumnDoesNotShareSlices(t *testing.T) {
	t.Parallel()
	move := lengthMove()
	c := newColumn(t, move)
	move.OldColumns[0] = "changed"
	c.Columns()[0] = "changed, too"
	c.Move().NewColumns[0] = "changed as well"
	if diff := cmp.Diff([]string{"length", "length_ms"}, c.Columns()); diff != "" {
		t.Errorf("Columns() (-want +got):\n%s", diff)
	}
}
