package dialect_test

import (
	"database/sql"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
	"pgregory.net/rapid"

	"github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// pgWide has a column of every kind that apps on PostgreSQL use.
type pgWide struct {
	bun.BaseModel `bun:"table:wide,alias:w"`

	ID        int64             `bun:"id,pk"`
	Int       int               `bun:"int_,type:int8"`
	Int16     int16             `bun:"int16_,type:int2"`
	Uint8     uint8             `bun:"uint8_,type:int2"`
	Uint64    uint64            `bun:"uint64_,type:numeric"`
	Weekday   time.Weekday      `bun:"weekday,type:int4"`
	Float32   float32           `bun:"float32_,type:float4"`
	Float64   float64           `bun:"float64_,type:float8"`
	Narrowed  float64           `bun:"narrowed,type:float4"`
	Widened   float32           `bun:"widened,type:float8"`
	Amount    float64           `bun:"amount,type:numeric(30,3)"`
	AmountTxt string            `bun:"amount_txt,type:numeric"`
	IntFloat  int               `bun:"int_float,type:float8"`
	IntNum    int               `bun:"int_num,type:numeric"`
	IntText   int               `bun:"int_text,type:text"`
	TextInt   string            `bun:"text_int,type:int4"`
	Bool      bool              `bun:"bool_,type:boolean"`
	BoolPtr   *bool             `bun:"bool_ptr,type:boolean"`
	Text      string            `bun:"text_,type:text"`
	Varchar   string            `bun:"varchar_,type:varchar(40)"`
	Char      string            `bun:"char_,type:char(40)"`
	Shout     shout             `bun:"shout,type:text"`
	TextPtr   *string           `bun:"text_ptr,type:text"`
	IntPtr2   **int             `bun:"int_ptr2,type:int8"`
	IntNZ     int               `bun:"int_nz,nullzero,type:int8"`
	TextNZ    string            `bun:"text_nz,nullzero,type:text"`
	TimeNZ    time.Time         `bun:"time_nz,nullzero,type:timestamptz"`
	At        time.Time         `bun:"at,type:timestamptz"`
	AtPtr     *time.Time        `bun:"at_ptr,type:timestamptz"`
	AtPlain   time.Time         `bun:"at_plain,type:timestamp"`
	AtSeconds time.Time         `bun:"at_seconds,type:timestamp(0)"`
	Day       time.Time         `bun:"day,type:date"`
	AtText    time.Time         `bun:"at_text,type:text"`
	Zoned     string            `bun:"zoned,type:timestamptz"`
	Duration  time.Duration     `bun:"duration,type:int8"`
	Span      string            `bun:"span,type:interval"`
	Bytes     []byte            `bun:"bytes_,type:bytea"`
	BytesText []byte            `bun:"bytes_text,type:text"`
	JSON      map[string]any    `bun:"json_,type:jsonb"`
	JSONNil   map[string]any    `bun:"json_nil,type:jsonb"`
	JSONPlain []string          `bun:"json_plain,type:json"`
	RawJSON   json.RawMessage   `bun:"raw_json,type:jsonb"`
	RawNil    json.RawMessage   `bun:"raw_nil,type:jsonb"`
	JSONText  map[string]string `bun:"json_text,type:text"`
	Texts     []string          `bun:"texts,array,type:text[]"`
	TextsNil  []string          `bun:"texts_nil,array,type:text[]"`
	Ints      []int64           `bun:"ints,array,type:int8[]"`
	Floats    []float64         `bun:"floats,array,type:float8[]"`
	Times     []time.Time       `bun:"times,array,type:timestamptz[]"`
	Packed    map[string]int    `bun:"packed,msgpack,type:bytea"`
	Mood      mood              `bun:"mood,type:text"`
	MoodPtr   *mood             `bun:"mood_ptr,type:text"`
	Feeling   string            `bun:"feeling,type:feeling"`
	Small     string            `bun:"small,type:small"`
	UUID      string            `bun:"uuid_,type:uuid"`
	NullText  sql.NullString    `bun:"null_text,type:text"`
	NullInt   sql.NullInt64     `bun:"null_int,type:int8"`
	NullTime  bun.NullTime      `bun:"null_time,type:timestamptz"`
	Any       any               `bun:"any_,type:text"`
	Inner     inner             `bun:"embed:inner_"`
	Addr      string            `bun:"addr,type:inet"`
	Flags     string            `bun:"flags,type:bit(3)"`
}

func pgWides() *rapid.Generator[pgWide] {
	return rapid.Custom(func(t *rapid.T) pgWide {
		text := rapid.OneOf(rapid.SampledFrom(awkward()), rapid.StringMatching(`[^\x00]{0,12}`))
		short := rapid.SampledFrom(awkward())
		floats := rapid.OneOf(rapid.Float64Range(-1e30, 1e30), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 0.1, 1e-7, 16777217, math.NaN(), math.Inf(1), math.Inf(-1)}))
		at := time.Unix(rapid.Int64Range(-1e10, 4e9).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).
			In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
		w := pgWide{
			ID: 1, Int: rapid.Int().Draw(t, "int"), Int16: rapid.Int16().Draw(t, "int16"), Uint8: rapid.Uint8().Draw(t, "uint8"),
			Uint64: rapid.Uint64().Draw(t, "uint64"), Weekday: 3, Float32: float32(rapid.Float64Range(-1e30, 1e30).Filter(func(f float64) bool { return math.Abs(f) > 1e-30 }).Draw(t, "float32")), Float64: floats.Draw(t, "float64"),
			Narrowed: rapid.SampledFrom([]float64{0, 0.1, 1e-30, 16777217, math.NaN()}).Draw(t, "narrowed"), Widened: float32(floats.Draw(t, "widened")),
			Amount: rapid.Float64Range(-1e12, 1e12).Draw(t, "amount"), AmountTxt: rapid.SampledFrom([]string{"1", "1.0", "-0.00", "1e3", "NaN"}).Draw(t, "amount text"),
			IntFloat: rapid.Int().Draw(t, "int float"), IntNum: rapid.Int().Draw(t, "int num"), IntText: rapid.Int().Draw(t, "int text"), TextInt: "-7",
			Bool: rapid.Bool().Draw(t, "bool"), Text: text.Draw(t, "text"), Varchar: short.Draw(t, "varchar"), Char: short.Draw(t, "char"),
			Shout: shout(text.Draw(t, "shout")), IntNZ: rapid.IntRange(-1, 1).Draw(t, "nz"), TextNZ: short.Draw(t, "text nz"),
			At: at, AtPlain: at, AtSeconds: at, Day: at, AtText: at,
			Zoned:    rapid.SampledFrom([]string{"2024-01-02 03:04:05+02", "2024-01-02 03:04:05", "infinity", "2024-06-01 12:00 Europe/Berlin"}).Draw(t, "zoned"),
			Duration: time.Duration(rapid.Int64().Draw(t, "duration")), Span: rapid.SampledFrom([]string{"1 day", "-1 month", "P1DT2H", "1-2"}).Draw(t, "span"),
			Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), BytesText: []byte("abc"),
			JSON: map[string]any{short.Draw(t, "json key"): short.Draw(t, "json value"), "n": 1.50}, JSONPlain: []string{short.Draw(t, "json element")},
			RawJSON: json.RawMessage(`{"b": 1.0, "a": "?'"}`), JSONText: map[string]string{"k": short.Draw(t, "json in a text")},
			Texts: rapid.SliceOfN(short, 0, 3).Draw(t, "texts"), Ints: rapid.SliceOfN(rapid.Int64(), 0, 3).Draw(t, "ints"),
			Floats: rapid.SliceOfN(rapid.Float64(), 0, 3).Draw(t, "floats"), Times: []time.Time{at}, Packed: map[string]int{"a": 1},
			Mood: 2, Feeling: rapid.SampledFrom([]string{"sad", "it's ok"}).Draw(t, "feeling"), Small: "7", UUID: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
			NullText: sql.NullString{String: short.Draw(t, "null text"), Valid: rapid.Bool().Draw(t, "null text valid")},
			NullInt:  sql.NullInt64{Int64: 7, Valid: rapid.Bool().Draw(t, "null int valid")}, Inner: inner{short.Draw(t, "city"), 5},
			Addr: "10.0.0.1/8", Flags: "101",
		}
		if rapid.Bool().Draw(t, "pointers") {
			p := &w.Int
			w.IntPtr2, w.TextPtr, w.BoolPtr, w.AtPtr, w.MoodPtr = &p, new(w.Text), new(w.Bool), new(at), new(w.Mood)
			w.NullTime, w.TimeNZ, w.Any = bun.NullTime{Time: at}, at, short.Draw(t, "any")
		}
		return w
	})
}

// What Write stores is to the byte what the app's own INSERT through bun stores,
// however pgx sends it.
func TestPostgresWriteStoresWhatBunStores(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			db := pgConnect(t, pgDSN(t)+inMode(mode)+"&timezone=Europe/Berlin")
			exec(t, db, "CREATE TYPE feeling AS ENUM ('sad', 'it''s ok')")
			exec(t, db, "CREATE DOMAIN small AS numeric(3,1) CHECK (value < 100)")
			if _, err := db.NewCreateTable().Model((*pgWide)(nil)).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			cols := must2(must2(dialect.For(db))(t).Columns(t.Context(), db, dialect.Table{Name: "wide", SQL: "wide"}))(t)
			rapid.Check(t, func(rt *rapid.T) {
				model := pgWides().Draw(rt, "row")
				exec(t, db, "DELETE FROM wide")
				if _, err := db.NewInsert().Model(&model).Exec(t.Context()); err != nil {
					rt.Fatalf("insert by bun: %v", err)
				}
				want := pgDump(t, db)
				exec(t, db, "DELETE FROM wide")
				exec(t, db, "INSERT INTO wide (id) VALUES (1)")
				u := pgUpdate(t, db, cols, &model)
				if n, err := pgWrite(t, db, u); err != nil || n != 1 {
					rt.Fatalf("Write = %d, %v", n, err)
				}
				if diff := cmp.Diff(want, pgDump(t, db)); diff != "" {
					rt.Fatalf("bun's insert (-) and Write (+) differ:\n%s", diff)
				}
			})
		})
	}
}

// Rows whose values are all bound share one statement; a field that is not
// bound costs a round trip a row.
func TestPostgresValuesAreBound(t *testing.T) {
	t.Parallel()
	db := pgNew(t)
	exec(t, db, "CREATE TYPE feeling AS ENUM ('sad')")
	exec(t, db, "CREATE DOMAIN small AS numeric(3,1)")
	if _, err := db.NewCreateTable().Model((*pgWide)(nil)).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	cols := must2(must2(dialect.For(db))(t).Columns(t.Context(), db, dialect.Table{Name: "wide", SQL: "wide"}))(t)
	model := pgWide{Bytes: []byte{0, 'a'}, Texts: []string{"a"}, Packed: map[string]int{"a": 1}}
	u := pgUpdate(t, db, cols, &model)
	for i, v := range u.Rows[0].Set {
		if text, ok := v.(schema.Safe); ok && u.Sets[i].Name != "text_int" {
			t.Errorf("%s (%s) is not bound: %s", u.Sets[i].Name, u.Sets[i].Type, text)
		}
	}
}

// pgUpdate writes every column of the model but its key.
func pgUpdate(t testing.TB, db *bun.DB, cols []dialect.Column, model *pgWide) dialect.Update {
	t.Helper()
	u := dialect.Update{Table: `"wide" AS "w"`}
	row := dialect.Row{Key: []any{model.ID}}
	table := db.Table(reflect.TypeFor[pgWide]())
	for _, c := range cols {
		f := table.FieldMap[c.Name]
		c.SQL = string(f.SQLName)
		if c.PK > 0 {
			u.Keys = append(u.Keys, c)
			continue
		}
		u.Sets = append(u.Sets, c)
		row.Set = append(row.Set, must2(dialect.For(db))(t).Getter(db.QueryGen(), f, c)(reflect.ValueOf(model).Elem()))
	}
	u.Rows = []dialect.Row{row}
	return u
}

// pgDump returns each column's stored bytes.
func pgDump(t testing.TB, db *bun.DB) map[string]string {
	t.Helper()
	fields := db.Table(reflect.TypeFor[pgWide]()).Fields
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = string(f.SQLName)
	}
	got := map[string]string{}
	for i, v := range wireRows(t, db, "SELECT "+strings.Join(names, ", ")+" FROM wide")[0] {
		got[fields[i].Name] = v
	}
	return got
}
