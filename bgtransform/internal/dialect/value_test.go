package dialect_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// mood stores itself by Value, and scans itself back.
type mood int

func (m mood) Value() (driver.Value, error) { return fmt.Sprintf("mood %d?'", int(m)), nil }

func (m *mood) Scan(src any) error {
	_, err := fmt.Sscanf(fmt.Sprint(src), "mood %d?'", (*int)(m))
	return err
}

// shout is a text type of the app's own, without methods.
type shout string

type inner struct {
	City string `bun:"city"`
	Zip  int    `bun:"zip"`
}

// wide has a column of every kind that apps use.
type wide struct {
	bun.BaseModel `bun:"table:wide,alias:w"`

	ID        int64           `bun:"id,pk"`
	Int       int             `bun:"int_"`
	Int8      int8            `bun:"int8_"`
	Int64     int64           `bun:"int64_"`
	Uint8     uint8           `bun:"uint8_"`
	Uint32    uint32          `bun:"uint32_"`
	Uint64    uint64          `bun:"uint64_"`
	Float32   float32         `bun:"float32_"`
	Float64   float64         `bun:"float64_"`
	Bool      bool            `bun:"bool_"`
	Text      string          `bun:"text_"`
	IntPtr    *int            `bun:"int_ptr"`
	IntPtr2   **int           `bun:"int_ptr2"`
	TextPtr   *string         `bun:"text_ptr"`
	BoolPtr   *bool           `bun:"bool_ptr"`
	IntNZ     int             `bun:"int_nz,nullzero"`
	TextNZ    string          `bun:"text_nz,nullzero"`
	TimeNZ    time.Time       `bun:"time_nz,nullzero"`
	PtrNZ     *int            `bun:"ptr_nz,nullzero"`
	IntAsText int             `bun:"int_as_text,type:TEXT"`
	TextAsInt string          `bun:"text_as_int,type:INTEGER"`
	IntAsReal int             `bun:"int_as_real,type:REAL"`
	Untyped   string          `bun:"untyped,type:BLOB"`
	BoolText  bool            `bun:"bool_text,type:TEXT"`
	Time      time.Time       `bun:"time_"`
	TimePtr   *time.Time      `bun:"time_ptr"`
	TimeText  time.Time       `bun:"time_text,type:TEXT"`
	Duration  time.Duration   `bun:"duration"`
	Bytes     []byte          `bun:"bytes"`
	BytesText []byte          `bun:"bytes_text,type:TEXT"`
	JSON      map[string]any  `bun:"json_"`
	List      []string        `bun:"list"`
	JSONText  shout           `bun:"json_text,type:json"`
	Packed    map[string]int  `bun:"packed,msgpack"`
	PackedInt int             `bun:"packed_int,msgpack"`
	Mood      mood            `bun:"mood"`
	MoodPtr   *mood           `bun:"mood_ptr"`
	Shout     shout           `bun:"shout"`
	NullText  sql.NullString  `bun:"null_text"`
	NullInt   sql.NullInt64   `bun:"null_int"`
	NullTime  bun.NullTime    `bun:"null_time"`
	Any       any             `bun:"any_,type:BLOB"`
	Inner     inner           `bun:"embed:inner_"`
	Raw       jsonRaw         `bun:"raw,type:json"`
	Weekdays  [2]time.Weekday `bun:"weekdays"`
}

type jsonRaw []byte

func (j jsonRaw) MarshalJSON() ([]byte, error) { return j, nil }

// awkward are texts that a careless quoting would change.
func awkward() []string {
	return []string{"", "a", "it's", `"quoted"`, "?", "?0 ?TableName ?name", `back\slash`, "line\nbreak\ttab", "1", "1.0", "01", "NULL", "ünï ☃ 𝄞", "';--", "{}", " "}
}

func wides() *rapid.Generator[wide] {
	return rapid.Custom(func(t *rapid.T) wide {
		text := rapid.OneOf(rapid.SampledFrom(awkward()), rapid.StringMatching(`[^\x00]*`))
		i := rapid.IntRange(-3, 3)
		opt := func(label string) *int {
			if rapid.Bool().Draw(t, label+" is nil") {
				return nil
			}
			return new(i.Draw(t, label))
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		if rapid.Bool().Draw(t, "zone") {
			at = at.In(time.FixedZone("", 2*3600))
		}
		w := wide{
			ID: 1, Int: rapid.Int().Draw(t, "int"), Int8: rapid.Int8().Draw(t, "int8"), Int64: rapid.Int64().Draw(t, "int64"),
			Uint8: rapid.Uint8().Draw(t, "uint8"), Uint32: rapid.Uint32().Draw(t, "uint32"), Uint64: uint64(rapid.Int64Range(0, 1<<62).Draw(t, "uint64")),
			Float32: rapid.Float32().Draw(t, "float32"), Float64: rapid.Float64().Draw(t, "float64"), Bool: rapid.Bool().Draw(t, "bool"),
			Text: text.Draw(t, "text"), IntPtr: opt("ptr"), IntNZ: i.Draw(t, "nz"), TextNZ: text.Draw(t, "text nz"), PtrNZ: opt("ptr nz"),
			IntAsText: i.Draw(t, "int as text"), TextAsInt: text.Draw(t, "text as int"), IntAsReal: rapid.Int().Draw(t, "int as real"),
			Untyped: text.Draw(t, "untyped"), BoolText: rapid.Bool().Draw(t, "bool text"), Time: at, TimeText: at,
			Duration: time.Duration(rapid.Int64().Draw(t, "duration")), Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
			BytesText: []byte(text.Draw(t, "bytes text")), JSON: map[string]any{text.Draw(t, "json key"): text.Draw(t, "json value")},
			List: rapid.SliceOf(text).Draw(t, "list"), JSONText: shout(text.Draw(t, "json text")), Packed: map[string]int{"a": i.Draw(t, "packed")},
			PackedInt: i.Draw(t, "packed int"), Mood: mood(i.Draw(t, "mood")), Shout: shout(text.Draw(t, "shout")),
			NullText: sql.NullString{String: text.Draw(t, "null text"), Valid: rapid.Bool().Draw(t, "null text valid")},
			NullInt:  sql.NullInt64{Int64: 7, Valid: rapid.Bool().Draw(t, "null int valid")}, Inner: inner{text.Draw(t, "city"), i.Draw(t, "zip")},
			Raw: jsonRaw(`{"a":"?"}`), Weekdays: [2]time.Weekday{1, 2},
		}
		if p := opt("ptr2"); p != nil {
			w.IntPtr2 = &p
			w.TextPtr, w.BoolPtr, w.TimePtr, w.MoodPtr = new(w.Text), new(w.Bool), new(at), new(w.Mood)
			w.NullTime, w.TimeNZ = bun.NullTime{Time: at}, at
			w.Any = w.Text
		}
		return w
	})
}

// What Write stores is to the byte what the app's own INSERT through bun stores.
func TestWriteStoresWhatBunStores(t *testing.T) {
	t.Parallel()
	db := memory(t)
	if _, err := db.NewCreateTable().Model((*wide)(nil)).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		model := wides().Draw(rt, "row")
		exec(t, db, "DELETE FROM wide")
		if _, err := db.NewInsert().Model(&model).Exec(t.Context()); err != nil {
			rt.Fatalf("insert by bun: %v", err)
		}
		want := dump(t, db)
		exec(t, db, "DELETE FROM wide")
		exec(t, db, "INSERT INTO wide (id) VALUES (1)")
		n, err := write(t, db, update(t, db, &model))
		if err != nil || n != 1 {
			rt.Fatalf("Write = %d, %v", n, err)
		}
		if diff := cmp.Diff(want, dump(t, db)); diff != "" {
			rt.Fatalf("bun's insert (-) and Write (+) differ:\n%s", diff)
		}
	})
}

// The fields that apps use most are bound, not spelled out as SQL.
func TestPlainValuesAreBound(t *testing.T) {
	t.Parallel()
	db := memory(t)
	table := db.Table(reflect.TypeFor[wide]())
	model := reflect.ValueOf(&wide{IntPtr: new(3), TextPtr: new("a")}).Elem()
	for name, want := range map[string]any{
		"int_": int64(0), "int64_": int64(0), "uint32_": int64(0), "bool_": false, "text_": "", "int_ptr": int64(3), "text_ptr": "a",
		"bool_ptr": nil, "int_nz": nil, "text_nz": nil, "time_nz": nil, "ptr_nz": nil,
	} {
		if got := dialectOf(t, db).Getter(db.QueryGen(), table.FieldMap[name], dialect.Column{})(model); !reflect.DeepEqual(got, want) {
			t.Errorf("the value of %s = %#v, want %#v", name, got, want)
		}
	}
}

// update writes every column of the model but its key.
func update(t *testing.T, db *bun.DB, model *wide) dialect.Update {
	t.Helper()
	u := dialect.Update{Table: `"wide" AS "w"`, Keys: columns(`"id"`), Where: "1 = 1"}
	row := dialect.Row{Key: []any{model.ID}}
	for _, f := range db.Table(reflect.TypeFor[wide]()).DataFields {
		u.Sets = append(u.Sets, dialect.Column{SQL: string(f.SQLName)})
		row.Set = append(row.Set, dialectOf(t, db).Getter(db.QueryGen(), f, dialect.Column{})(reflect.ValueOf(model).Elem()))
	}
	u.Rows = []dialect.Row{row}
	return u
}

// dump returns each column's stored type and bytes.
func dump(t *testing.T, db *bun.DB) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, f := range db.Table(reflect.TypeFor[wide]()).Fields {
		var kind, number, text string
		err := db.QueryRowContext(t.Context(), strings.ReplaceAll(
			"SELECT typeof(#), CASE typeof(#) WHEN 'integer' THEN CAST(# AS TEXT) WHEN 'real' THEN printf('%!.26g', #) ELSE '' END, hex(#) FROM wide",
			"#", string(f.SQLName))).Scan(&kind, &number, &text)
		if err != nil {
			t.Fatal(err)
		}
		if number != "" {
			text = number
		}
		got[f.Name] = kind + " " + text
	}
	return got
}
