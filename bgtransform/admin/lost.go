package admin

import (
	"net/http"
	"path"
	"strings"
)

// lost answers what no route takes, in the form of the other answers. The mux's own are plain
// texts.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request) {
	var takes []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := *r
		other.Method = method
		if _, pattern := h.mux.Handler(&other); pattern != elsewhere {
			takes = append(takes, method)
		}
	}
	if len(takes) == 0 {
		h.refuse(w, r, nowhere())
		return
	}
	w.Header().Set("Allow", strings.Join(takes, ", "))
	h.refuse(w, r, problem{http.StatusMethodNotAllowed, "this address takes " + strings.Join(takes, " and ") + " only"})
}

func nowhere() error {
	return problem{http.StatusNotFound, "there is nothing at this address"}
}

// elsewhere is the pattern of what no other takes.
const elsewhere = "/"

// crooked reports whether a path, as it was sent, is not in its shortest form. The mux would
// send it on to that, without the prefix below which the page is mounted.
func crooked(p string) bool {
	clean := path.Clean(p)
	return p != clean && p != clean+"/"
}
