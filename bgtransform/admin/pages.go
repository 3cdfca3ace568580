package admin

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// frame is what each page has.
type frame struct {
	Root  string // the way from this page to the first one
	Title string
	Tab   string // what this page is about, for the browser's tab
	User  User
	Live  string // the stream that tells of changes, from the root on; empty: none
	Page  string // where the page is, from the root on
	ETag  string // of what it shows
}

func (h *Handler) frame(r *http.Request) frame {
	return frame{Root: rootOf(r), Title: h.title, User: userOf(r)}
}

type problemView struct {
	frame

	Status string
	Text   string
}

type overviewView struct {
	frame
	overview

	Token string
}

func (h *Handler) showAll(w http.ResponseWriter, r *http.Request) {
	v, err := h.board.overview(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	f := h.frame(r)
	f.Live, f.ETag = "v1/events", v.etag
	h.views.render(w, http.StatusOK, "overview", overviewView{f, v.value, token(w, r)})
}

type detailView struct {
	frame
	detail

	Token  string
	Done   string // what was just asked for
	Failed string // why that was refused
	Typed  string // why, as it was typed
	Tuning []tuning
}

// tuning is a setting in the form.
type tuning struct {
	bgtransform.Setting

	Value string
	Hint  string
	Tuned *bgtransform.Tuned // nil: nobody has changed it
}

func (h *Handler) showOne(w http.ResponseWriter, r *http.Request) {
	done := r.URL.Query().Get("asked")
	if _, known := actionNamed(done); !known {
		done = ""
	}
	h.one(w, r, http.StatusOK, func(v *detailView) { v.Done = done })
}

// one shows a transform.
func (h *Handler) one(w http.ResponseWriter, r *http.Request, status int, change func(v *detailView)) {
	name := r.PathValue("name")
	doc, err := h.board.detail(r.Context(), name)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	f := h.frame(r)
	f.Tab, f.Page = name, "transforms/"+url.PathEscape(name)
	f.Live, f.ETag = "v1/"+f.Page+"/events", doc.etag
	v := detailView{frame: f, detail: doc.value, Token: token(w, r)}
	for _, s := range bgtransform.Settings() {
		v.Tuning = append(v.Tuning, tuningOf(s, doc.value.Status.Tuned))
	}
	change(&v)
	h.views.render(w, status, "detail", v)
}

func tuningOf(s bgtransform.Setting, tuned []bgtransform.Tuned) tuning {
	t := tuning{Setting: s, Hint: hint(s)}
	for i := range tuned {
		if tuned[i].Setting == s {
			t.Tuned, t.Value = &tuned[i], tuned[i].Value
		}
	}
	return t
}

// hint says what a setting is, and how its values look.
func hint(s bgtransform.Setting) string {
	switch s {
	case bgtransform.SettingPhase:
		return "phase that dual reads are to come to: old, fallback, compare, new"
	case bgtransform.SettingWindow:
		return "when batches may run: 0 22 * * * for 8h in Europe/Berlin, always, never"
	case bgtransform.SettingDuty:
		return "share of time that batches may use: 50%"
	case bgtransform.SettingRowsPerSecond:
		return "ceiling for changed rows a second: 2000, unlimited"
	case bgtransform.SettingBatchTarget:
		return "how long a batch should take: 100ms"
	case bgtransform.SettingBatchMin:
		return "keys in a batch, at least: 10"
	case bgtransform.SettingBatchMax:
		return "keys in a batch, at most: 10000"
	default:
		return ""
	}
}

// actByForm does what a form asks for, and shows the transform again.
func (h *Handler) actByForm(w http.ResponseWriter, r *http.Request) {
	form, err := formOf(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	o, err := orderOfForm(r.PathValue("name"), form)
	if err == nil {
		err = h.carryOut(r, o)
	}
	if err == nil {
		w.Header().Set("Location", rootOf(r)+"transforms/"+url.PathEscape(o.name)+"?asked="+url.QueryEscape(r.PathValue("action")))
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	p := problemOf(err)
	if p.status == http.StatusNotFound {
		h.refuse(w, r, p)
		return
	}
	h.one(w, r, p.status, func(v *detailView) { v.Failed, v.Typed = p.text, o.by.Why })
}

// formOf reads a form of this page, which has brought its token.
func formOf(r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, problem{http.StatusUnsupportedMediaType, "this is not a form of this page"}
	}
	if err := r.ParseForm(); err != nil {
		if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, large
		}
		return nil, problem{http.StatusBadRequest, "the form cannot be read"}
	}
	if !tokenHolds(r, r.PostForm.Get("token")) {
		return nil, problem{http.StatusForbidden, "this form has not come with the token that this page has handed to your browser; load the page again, with cookies, and repeat it"}
	}
	return r.PostForm, nil
}

func orderOfForm(name string, form url.Values) (order, error) {
	o := order{name: name, by: bgtransform.By{Why: strings.TrimSpace(form.Get("why"))}, confirm: form.Get("confirm"), settings: map[bgtransform.Setting]string{}}
	for _, s := range bgtransform.Settings() {
		// A field that was left as the page has shown it changes nothing, an emptied one
		// sets the setting back.
		is, was := strings.TrimSpace(form.Get(string(s))), form.Get("was-"+string(s))
		if is == was {
			continue
		}
		if is == "" {
			is = bgtransform.Default
		}
		o.settings[s] = is
	}
	if s := bgtransform.Setting(form.Get("setting")); slices.Contains(bgtransform.Settings(), s) {
		o.settings = map[bgtransform.Setting]string{s: bgtransform.Default} // the button beside it
	}
	o.verify.Repair = form.Get("repair") == "yes"
	if text := strings.TrimSuffix(strings.TrimSpace(form.Get("sample")), "%"); text != "" {
		share, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return o, problem{http.StatusUnprocessableEntity, "the sample is a share of the rows in percent, such as 10"}
		}
		o.verify.Sample = share / 100
	}
	var err error
	o.length, err = lengthOf(form.Get("for"))
	return o, err
}

// Chart draws the rates up to when the page is made.
func (s summary) Chart() rateChart { return chartOf(s.rates, time.Now()) }

// AtWork reports whether the reason to show only limits the transform's speed.
func (s summary) AtWork() bool {
	return s.Status.State == bgtransform.StateRunning || s.Status.State == bgtransform.StateReverting
}

// Members are the instances of the pool.
func (d detail) Members() []bgtransform.PoolMember { return d.pool }
