package admin

import (
	"net/http"
	"net/url"
	"slices"
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
	Done   string   // what was just asked for
	Failed string   // why that was refused
	Asked  string   // what was refused
	Typed  typed    // into its form, which is shown again with it
	Tuning []tuning // the settings of a form
}

// Again reports whether one of the actions was refused, whose form is to be shown again as
// it was filled in.
func (v detailView) Again(actions ...string) bool { return slices.Contains(actions, v.Asked) }

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
	change(&v)
	for _, s := range bgtransform.Settings() {
		v.Tuning = append(v.Tuning, tuningOf(s, doc.value.Status.Tuned, v.Typed))
	}
	h.views.render(w, status, "detail", v)
}

// Chart draws the rates up to when the page is made.
func (s summary) Chart() rateChart { return chartOf(s.rates, time.Now()) }

// AtWork reports whether the reason to show only limits the transform's speed.
func (s summary) AtWork() bool {
	return s.Status.State == bgtransform.StateRunning || s.Status.State == bgtransform.StateReverting
}

// Members are the instances of the pool.
func (d detail) Members() []bgtransform.PoolMember { return d.pool }
