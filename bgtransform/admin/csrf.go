package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"regexp"
)

// mayAct returns a problem unless the user may change something with a request: it is not
// from another site. Browsers say so in Sec-Fetch-Site, or in Origin.
//
// What has neither header passes here, as no browser of today sends it; a form needs the
// token too, for older ones, for proxies that drop headers, and because two locks with
// different keys are seldom open at once. The API needs a content type that browsers
// send to other sites only after asking them, which this handler never allows.
func (h *Handler) mayAct(r *http.Request, user User) error {
	if user.ReadOnly {
		return problem{http.StatusForbidden, "you may look, and change nothing"}
	}
	if err := h.cross.Check(r); err != nil {
		h.log.WarnContext(r.Context(), "bgtransform: the admin page refused a request of another site", "by", user.Name, "origin", r.Header.Get("Origin"))
		return problem{http.StatusForbidden, "this request is from another site"}
	}
	return nil
}

// tokenCookie holds the token that forms must bring along. It is the browser's own, so
// that any instance of a pool knows a form that another one has made.
const tokenCookie = "bgtransform_admin"

var tokenForm = regexp.MustCompile(`^[A-Z2-7]{26}$`) // of rand.Text

// token returns the browser's token for a form, and gives it one if it has none.
func token(w http.ResponseWriter, r *http.Request) string {
	for _, c := range r.CookiesNamed(tokenCookie) {
		if tokenForm.MatchString(c.Value) {
			return c.Value
		}
	}
	fresh := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: tokenCookie, Value: fresh, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	return fresh
}

// tokenHolds reports whether a form has brought the token of its browser.
func tokenHolds(r *http.Request, brought string) bool {
	for _, c := range r.CookiesNamed(tokenCookie) {
		if tokenForm.MatchString(c.Value) && subtle.ConstantTimeCompare([]byte(c.Value), []byte(brought)) == 1 {
			return true
		}
	}
	return false
}
