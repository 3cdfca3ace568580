package admin

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform"
)

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
	h.one(w, r, p.status, func(v *detailView) { v.Failed, v.Asked, v.Typed = p.text, r.PathValue("action"), typed(form) })
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
