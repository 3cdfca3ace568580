package bgtransform

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/bgtransform/sidecar/bgtransform/dualread"
)

// Move is the transform of a column's move, made of the definition by which the app
// reads and writes both sides, so that the conversion is written once. It moves
// the rows that have a value in the old columns and none in the new ones, by SQL
// where the definition has Forward, as [SQL] does, else by Go code, as [Rows] does.
//
// With Forward, a verification and a plan ask the functions of the definition about
// what SQL makes of each row that they look at, for reads serve now the one and now the
// other: they must agree on every row, also on one whose text nobody can convert.
//
// A move to another table is done by SQL alone, and cannot be reverted; nor does it
// insert a row there for one whose old columns hold no value.
//
// With Backward in the definition it also moves those rows again whose new value
// is out of date because somebody who does not know the new columns, such as an
// instance of an older version, wrote the old ones. Everybody who knows the new
// columns must write both sides, then: of a row where only the new one was written
// the old value is taken for the later one. So before a version is deployed that
// no longer writes the old columns, the transform must be complete, and no
// instance that has it may be left when it is restarted.
type Move[M, V any] struct {
	// Column is the column on the move. Its name is the transform's. Required.
	Column *dualread.Column[M, V]

	// Inspect looks at a row before it is moved. An error puts it into quarantine,
	// as in [Rows].Each. It makes Go code move the rows, also where SQL could.
	// Optional.
	Inspect func(ctx context.Context, m *M) error

	// Reads are the columns that Inspect looks at, besides those of Column.
	Reads []string

	// Revision is any text that you change when the code that converts changes
	// what a row becomes, as in [Rows]. The definition's SQL does so by itself.
	Revision string

	// Options are the transform's own; zero fields are taken from Config.
	Options Options
}

var (
	_ Transform  = Move[struct{}, int]{}
	_ Checker    = Move[struct{}, int]{}
	_ Verifier   = Move[struct{}, int]{}
	_ Reverter   = Move[struct{}, int]{}
	_ DualWriter = Move[struct{}, int]{}

	_ PendingTeller = Move[struct{}, int]{}
)

// DualColumn implements [DualWriter].
func (m Move[M, V]) DualColumn() DualColumn { return m.Column }

// Definition implements [Transform].
func (m Move[M, V]) Definition() Definition {
	if m.Column == nil {
		return Definition{Options: m.Options}
	}
	def := m.Column.Move()
	parts := []string{"move", m.Revision, def.HasOld, def.NewRelation}
	for _, list := range [][]string{def.OldColumns, def.NewColumns, def.Forward, def.Backward} {
		parts = append(parts, revision(list...))
	}
	return Definition{Name: def.Name, Options: m.Options, Revision: revision(parts...)}
}

// Check implements [Checker]. What the definition may be wrong about is among it
// (see [dualread.Column.Check]).
func (m Move[M, V]) Check(db *bun.DB) error {
	if m.Column == nil {
		return errors.New("Column is nil; want what dualread.New returns")
	}
	if len(m.Reads) > 0 && m.Inspect == nil {
		return errors.New("Reads is for Inspect, which is not set")
	}
	if err := m.Column.Check(db); err != nil {
		return err
	}
	return m.made(db, conditions{pending: spelled(db, m.Column.Pending())}).Check(db)
}

// tables returns the tables of the old and the new columns, which are mostly one, as
// they are in the database.
func (m Move[M, V]) tables(ctx context.Context, db *bun.DB) (old, next *table, err error) {
	rel, err := m.Column.Relation(db)
	if err != nil {
		return nil, nil, err
	}
	if old, err = tableOf(db, reflect.TypeFor[M]()); err != nil {
		return nil, nil, err
	}
	if err := old.inspect(ctx, db, m.Column.Columns()); err != nil || rel == nil {
		return old, old, err
	}
	if next, err = tableOf(db, rel.JoinTable.Type); err != nil {
		return nil, nil, err
	}
	return old, next, next.inspect(ctx, db, m.Column.Move().NewColumns)
}

// Open implements [Transform].
func (m Move[M, V]) Open(ctx context.Context, db *bun.DB) (Stepper, error) {
	kind, err := m.inspected(ctx, db)
	if err != nil {
		return nil, err
	}
	return kind.Open(ctx, db)
}

// OpenRevert implements [Reverter].
func (m Move[M, V]) OpenRevert(ctx context.Context, db *bun.DB) (Undoer, error) {
	if m.Column.Move().NewRelation != "" {
		return nil, &schemaError{"a move to another table has no journal, and cannot be reverted"}
	}
	return Rows[M]{Name: m.Column.Name()}.OpenRevert(ctx, db)
}

// Verifiable implements [Verifier].
func (m Move[M, V]) Verifiable() error {
	if m.Column == nil || m.Column.Forward() == nil && m.Column.Backward() == nil {
		return errors.New("the move has neither Forward nor Backward; one of them must say in SQL what the value should be")
	}
	return nil
}

// OpenVerify implements [Verifier]. A row is wrong if its old and its new value go
// together by neither Forward nor Backward; without Backward, if the new one is
// not what Forward makes of the old one.
//
// With Forward each row that is looked at is also read into the model, and the
// functions of the definition are asked about it: a row is wrong, and not repaired,
// where they and the SQL disagree ([MismatchDisagrees]). They are asked outside of any
// transaction; a panic counts for its row.
func (m Move[M, V]) OpenVerify(ctx context.Context, db *bun.DB, req VerifyRequest) (Stepper, error) {
	kind, err := m.inspected(ctx, db)
	if err != nil {
		return nil, err
	}
	st, err := kind.OpenVerify(ctx, db, req)
	if err != nil {
		return nil, err
	}
	if w, ok := st.(*wrongStepper); ok {
		w.agreement, err = m.agreement(ctx, db)
	}
	return st, err
}

// AnyPending implements [PendingTeller].
func (m Move[M, V]) AnyPending(ctx context.Context, db *bun.DB) (bool, error) {
	if m.Column == nil {
		return false, errors.New("Column is nil; want what dualread.New returns")
	}
	kind, err := m.inspected(ctx, db)
	if err != nil {
		return false, err
	}
	return kind.AnyPending(ctx, db)
}

// kind is what both ready-made kinds are.
type kind interface {
	Transform
	Checker
	Verifier
	PendingTeller
}

// inspected returns the kind that does the work, once the columns are known as
// they are in the database.
func (m Move[M, V]) inspected(ctx context.Context, db *bun.DB) (kind, error) {
	old, next, err := m.tables(ctx, db)
	if err != nil {
		return nil, err
	}
	return m.made(db, m.conditions(db, old, next)), nil
}

// made returns the kind that does the work.
func (m Move[M, V]) made(db *bun.DB, c conditions) kind {
	def := m.Column.Move()
	if def.NewRelation != "" {
		return tableMove[M, V]{m}
	}
	if def.Forward != nil && m.Inspect == nil {
		return SQL[M]{
			Name: def.Name, Pending: "?", PendingArgs: []any{bun.Safe(c.pending)}, Wrong: c.wrong(), WrongArgs: c.wrongArgs(),
			Set: "?", SetArgs: []any{bun.Safe(m.set(db))}, Writes: def.NewColumns, Options: m.Options,
		}
	}
	return Rows[M]{
		Name: def.Name, Pending: "?", PendingArgs: []any{bun.Safe(c.pending)}, Wrong: c.wrong(), WrongArgs: c.wrongArgs(),
		Reads: slices.Concat(def.OldColumns, def.NewColumns, m.Reads), Writes: def.NewColumns,
		Each: m.mover(db), Options: m.Options,
	}
}

// set is the SET clause.
func (m Move[M, V]) set(db *bun.DB) string {
	forward := m.Column.Forward()
	sets := make([]string, len(forward))
	for i, f := range m.fields(db, m.Column.Move().NewColumns) {
		sets[i] = string(f.SQLName) + " = " + spelled(db, forward[i])
	}
	return strings.Join(sets, ", ")
}

// spelled returns the text of a piece of SQL.
func spelled(db *bun.DB, sql schema.QueryAppender) string { return formatSQL(db, "?", []any{sql}) }

// mover returns the code that moves one row.
func (m Move[M, V]) mover(db *bun.DB) func(ctx context.Context, row *M) error {
	def := m.Column.Move()
	old, next := m.fields(db, def.OldColumns), m.fields(db, def.NewColumns)
	reversible := def.Backward != nil && def.Forward == nil
	return func(ctx context.Context, row *M) error {
		if m.Inspect != nil {
			if err := m.Inspect(ctx, row); err != nil {
				return err
			}
		}
		v, ok := def.Old(row)
		if !ok {
			if _, moved := def.New(row); !moved {
				return &moveError{"Old says that the old columns hold no value, and SQL that they do: HasOld in the definition must say what Old says"}
			}
			strct := reflect.ValueOf(row).Elem()
			for _, f := range next { // the old value was taken away
				f.Value(strct).SetZero()
			}
			return nil
		}
		def.SetNew(row, v)
		if reversible && !sameBack(def, old, row, v) {
			return &moveError{"SetOld does not give back what Old has read: the row could not be told from one whose old columns were written later; write Forward in SQL too, or leave Backward out"}
		}
		return nil
	}
}

// fields returns the model's fields of some columns.
func (m Move[M, V]) fields(db *bun.DB, names []string) []*schema.Field {
	table := db.Table(reflect.TypeFor[M]())
	fields := make([]*schema.Field, len(names))
	for i, name := range names {
		fields[i] = table.FieldMap[name]
	}
	return fields
}

// sameBack reports whether a dual write of v leaves in the old columns what row has there.
func sameBack[M, V any](def dualread.Move[M, V], old []*schema.Field, row *M, v V) bool {
	back := new(M)
	def.SetOld(back, v)
	was, is := reflect.ValueOf(row).Elem(), reflect.ValueOf(back).Elem()
	for _, f := range old {
		if !reflect.DeepEqual(f.Value(was).Interface(), f.Value(is).Interface()) {
			return false
		}
	}
	return true
}

// moveError says that the definition of a move does not fit a row.
type moveError struct{ text string }

func (e *moveError) Error() string { return fmt.Sprintf("dualread definition: %s", e.text) }
