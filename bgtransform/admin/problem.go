package admin

import (
	"errors"
	"net/http"
	"path"
	"strings"

	"github.com/bgtransform/sidecar/bgtransform"
)

// problem is an error with the status that answers it, and a text for whoever has asked.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

// problemOf says what to answer an error with.
func problemOf(err error) problem {
	var own problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &large):
		return problem{http.StatusRequestEntityTooLarge, "the request is too large"}
	case errors.Is(err, bgtransform.ErrUnknownTransform):
		return problem{http.StatusNotFound, "no instance has registered a transform of that name in this database"}
	case errors.Is(err, bgtransform.ErrNotAllowed):
		return problem{http.StatusConflict, plain(err)}
	case errors.Is(err, bgtransform.ErrSetting):
		return problem{http.StatusUnprocessableEntity, plain(err)}
	default:
		return problem{http.StatusServiceUnavailable, plain(err)}
	}
}

// plain is an error's text without the name of the library, which says nothing here.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "bgtransform: ") }

// refuse answers with an error, as the page or the API does.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		writeJSON(w, p.status, map[string]string{"error": p.text})
		return
	}
	h.views.render(w, p.status, "problem", problemView{frame: h.frame(r), Text: p.text, Status: http.StatusText(p.status)})
}

// rooted returns the request with a path that begins with a slash, whatever prefix the
// app has stripped.
func rooted(r *http.Request) *http.Request {
	other := *r
	u := *r.URL
	other.URL = &u
	u.Path, u.RawPath = "/"+u.Path, ""
	return &other
}

// toFolder sends who has left out the last slash of the page's address to it: links
// are relative, so that the page need not know where it is mounted.
func toFolder(w http.ResponseWriter, r *http.Request) bool {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if r.URL.Path != "/" || asked == "" || strings.HasSuffix(asked, "/") {
		return false
	}
	w.Header().Set("Location", "./"+path.Base(asked)+"/")
	w.WriteHeader(http.StatusPermanentRedirect)
	return true
}

// rootOf returns the relative path from a request's to the page's.
func rootOf(r *http.Request) string {
	if up := strings.Count(r.URL.EscapedPath(), "/") - 1; up > 0 {
		return strings.Repeat("../", up)
	}
	return "./"
}
