package store

import "github.com/uptrace/bun"

// models are the models of all tables.
func models() []any {
	return []any{
		(*Transform)(nil), (*Intent)(nil), (*Range)(nil),
		(*Quarantined)(nil), (*JournalEntry)(nil), (*Action)(nil), (*Sign)(nil), (*leaseRow)(nil), (*Processed)(nil), (*Mark)(nil),
		(*Verification)(nil), (*Mismatch)(nil), (*Reads)(nil), (*memberRow)(nil),
	}
}

// Transform is what is: one row per transform, written by whoever holds it.
type Transform struct {
	bun.BaseModel `bun:"table:bgtransform_transforms,alias:t"`

	Name          string `bun:"name,pk,type:varchar(100)"`
	State         string `bun:"state,notnull,type:varchar(20)"`
	ReasonCode    string `bun:"reason_code,notnull,type:varchar(40)"`
	Reason        string `bun:"reason,notnull,type:text"`
	ReasonUntilMS int64  `bun:"reason_until_ms,notnull,type:bigint"` // 0: not known
	LastError     string `bun:"last_error,notnull,type:text"`        // holds no row values
	LastErrorMS   int64  `bun:"last_error_ms,notnull,type:bigint"`
	Definition    string `bun:"definition,notnull,type:varchar(64)"` // fingerprint of what the run does; empty: no attempt yet
	Superseded    string `bun:"superseded,notnull,type:text"`        // those it has replaced since the last restart, joined by commas
	CreatedMS     int64  `bun:"created_ms,notnull,type:bigint"`
	StartedMS     int64  `bun:"started_ms,notnull,type:bigint"`   // of the run; 0: not yet
	CompletedMS   int64  `bun:"completed_ms,notnull,type:bigint"` // of the run; 0: not yet
	UpdatedMS     int64  `bun:"updated_ms,notnull,type:bigint"`
	ContractedMS  int64  `bun:"contracted_ms,notnull,type:bigint"` // when a version of the app first ran that has no old columns any more; 0: none did
}

// Intent is what operators want: one row per transform.
type Intent struct {
	bun.BaseModel `bun:"table:bgtransform_intents,alias:i"`

	Name     string `bun:"name,pk,type:varchar(100)"`
	Desired  string `bun:"desired,notnull,type:varchar(20)"` // run, paused or cancelled
	Revision int64  `bun:"revision,notnull,type:bigint"`     // rises with every action
	Restarts int64  `bun:"restarts,notnull,type:bigint"`     // how often a restart was asked for
	Mode     string `bun:"mode,notnull,type:varchar(20)"`    // of the run that the last restart asked for
	Retries  int64  `bun:"retries,notnull,type:bigint"`      // how often a retry was asked for

	Verifies    int64   `bun:"verifies,notnull,type:bigint"` // counts the wishes about verification
	Verify      bool    `bun:"verify,notnull"`               // the newest of them: to verify, or to stop that
	VerifyShare float64 `bun:"verify_share,notnull"`
	VerifyMend  bool    `bun:"verify_mend,notnull"`

	Settings string `bun:"settings,notnull,type:text"` // that operators have changed, as JSON; see [Intent.Changed]

	Finisher      string `bun:"finisher,notnull,type:varchar(250)"`  // the process to which it is to be handed over; empty: none
	FinishUntilMS int64  `bun:"finish_until_ms,notnull,type:bigint"` // until then, unless that asks again

	ByWhom  string `bun:"by_whom,notnull,type:varchar(200)"` // of what is desired
	Why     string `bun:"why,notnull,type:text"`
	SinceMS int64  `bun:"since_ms,notnull,type:bigint"`
}

// The values of [Intent].Desired.
const (
	Run       = "run"
	Paused    = "paused"
	Cancelled = "cancelled"
)

// The modes of a run: what its attempts do with each batch.
const (
	ModeTransform = ""       // transform the rows that are pending
	ModeRevert    = "revert" // write the journal's before-images back
	ModeVerify    = "verify" // look at the rows of a complete run again
)

// Range is how far a run has come: one row per range of a transform's keys.
type Range struct {
	bun.BaseModel `bun:"table:bgtransform_ranges,alias:r"`

	Name    string `bun:"name,pk,type:varchar(100)"`
	RangeNo int64  `bun:"range_no,pk,type:bigint"`
	LowKey  string `bun:"low_key,notnull,type:text"`  // keys after this one; empty: from the first
	HighKey string `bun:"high_key,notnull,type:text"` // up to this one; empty: to the last

	Attempt     int64  `bun:"attempt,notnull,type:bigint"` // the fence
	Holder      string `bun:"holder,notnull,type:varchar(200)"`
	HeartbeatMS int64  `bun:"heartbeat_ms,notnull,type:bigint"` // the holder's last write; 0 once it has left

	AdvancedMS int64 `bun:"advanced_ms,notnull,type:bigint"` // when it last came forward, or became able to; 0: no attempt yet
	StuckMS    int64 `bun:"stuck_ms,notnull,type:bigint"`    // how long it may not, before it counts as stuck; 0: no attempt yet

	Beats   int64 `bun:"beats,notnull,type:bigint"`    // counts the holder's writes
	QuietMS int64 `bun:"quiet_ms,notnull,type:bigint"` // a holder that is silent for longer is gone

	Run         int64  `bun:"run_no,notnull,type:bigint"`
	Mode        string `bun:"mode,notnull,type:varchar(20)"` // of the run
	Restarts    int64  `bun:"restarts,notnull,type:bigint"`  // of the intent, as far as the run has followed it
	Retries     int64  `bun:"retries,notnull,type:bigint"`
	Verifies    int64  `bun:"verifies,notnull,type:bigint"`   // of the intent, as far as they were followed
	Link        string `bun:"link,notnull,type:varchar(200)"` // joins the traces of the run's attempts
	Pass        int64  `bun:"pass_no,notnull,type:bigint"`
	Began       string `bun:"began,notnull,type:varchar(20)"` // of the pass: whether it can have missed what was written before
	Cursor      string `bun:"cursor_key,notnull,type:text"`   // empty: before the first key
	AtEnd       bool   `bun:"at_end,notnull"`                 // the pass has walked all keys and found nothing but quarantine
	Batches     int64  `bun:"batches,notnull,type:bigint"`    // of the run
	KeysInPass  int64  `bun:"keys_in_pass,notnull,type:bigint"`
	FoundInPass int64  `bun:"found_in_pass,notnull,type:bigint"`

	Keys        int64   `bun:"keys_walked,notnull,type:bigint"` // of the run, all passes
	Changed     int64   `bun:"rows_changed,notnull,type:bigint"`
	Moved       int64   `bun:"rows_moved,notnull,type:bigint"`
	Journaled   int64   `bun:"journaled,notnull,type:bigint"` // journal entries ever written: the newest one's position
	Remaining   int64   `bun:"remaining,notnull,type:bigint"` // estimate for the pass; -1: not known
	RowsPerSec  float64 `bun:"rows_per_sec,notnull"`
	BusyMS      int64   `bun:"busy_ms,notnull,type:bigint"`     // time spent in batches, of the run
	RatedSecs   float64 `bun:"rated_secs,notnull"`              // how many seconds of work that rate is of
	ReadRate    float64 `bun:"read_rate,notnull"`               // keys a second in a pass that has nothing to write; 0: not known
	PassKeys    int64   `bun:"pass_keys,notnull,type:bigint"`   // keys that a whole pass has, as far as is known; 0: not known
	Share       float64 `bun:"share_done,notnull"`              // of the run, as it is shown
	MeasuredMS  int64   `bun:"measured_ms,notnull,type:bigint"` // when the rate was measured, by the holder's clock
	WindowText  string  `bun:"window_text,notnull,type:text"`   // of the holder, unless operators have set another; empty: no attempt yet
	SweptMS     int64   `bun:"swept_ms,notnull,type:bigint"`    // when the walk began that finds what instances wrote before that do not write both sides; 0: not yet
	Recheck     bool    `bun:"recheck,notnull"`                 // what such an instance wrote later is to be looked for by a verification
	LimitedCode string  `bun:"limited_code,notnull,type:varchar(40)"`
	LimitedBy   string  `bun:"limited_by,notnull,type:varchar(200)"`
}

// The values of [Range].Began.
const (
	BeganUnclear = ""      // transactions that had written to the table may have been open
	BeganClear   = "clear" // those that had written to the table by the end of the pass before had ended
	BeganDue     = "due"   // nothing is left to do but a pass that begins clear
)

// Quarantined is a row that could not be transformed.
type Quarantined struct {
	bun.BaseModel `bun:"table:bgtransform_quarantine,alias:q"`

	Name     string `bun:"name,pk,type:varchar(100)"`
	KeyHash  string `bun:"key_hash,pk,type:varchar(64)"` // keys can be longer than an index allows
	Key      string `bun:"key_text,notnull,type:text"`
	Standing string `bun:"standing,notnull,type:varchar(20)"`
	Class    string `bun:"class,notnull,type:varchar(200)"`
	Message  string `bun:"message,notnull,type:text"` // may quote values: it is kept here and shown only on demand
	Tries    int64  `bun:"tries,notnull,type:bigint"`
	FirstMS  int64  `bun:"first_ms,notnull,type:bigint"`
	LastMS   int64  `bun:"last_ms,notnull,type:bigint"`
	ByWhom   string `bun:"by_whom,notnull,type:varchar(200)"` // who accepted it
}

// The values of [Quarantined].Standing.
const (
	Held     = "held"     // blocks completion
	Retrying = "retrying" // an operator asked to try again; blocks completion
	Accepted = "accepted" // an operator accepted that the row stays as it is
)

// Action is one line of the operators' log.
type Action struct {
	bun.BaseModel `bun:"table:bgtransform_actions,alias:a"`

	ID     int64  `bun:"id,pk,autoincrement"`
	Name   string `bun:"name,notnull,type:varchar(100)"`
	Action string `bun:"action,notnull,type:varchar(20)"`
	ByWhom string `bun:"by_whom,notnull,type:varchar(200)"`
	Why    string `bun:"why,notnull,type:text"`
	What   string `bun:"what,notnull,type:text"` // which settings, from what to what
	AtMS   int64  `bun:"at_ms,notnull,type:bigint"`
}

// leaseRow is the lease of one transform.
type leaseRow struct {
	bun.BaseModel `bun:"table:bgtransform_leases,alias:l"`

	Name      string `bun:"name,pk,type:varchar(500)"`
	Holder    string `bun:"holder,notnull,type:varchar(200)"`
	Term      string `bun:"term,notnull,type:varchar(64)"`
	ExpiresMS int64  `bun:"expires_ms,notnull,type:bigint"`
}
