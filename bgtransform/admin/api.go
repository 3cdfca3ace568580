package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

func (h *Handler) sendAll(w http.ResponseWriter, r *http.Request) {
	v, err := h.board.overview(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	sendVersion(w, r, v.etag, v.body)
}

func (h *Handler) sendOne(w http.ResponseWriter, r *http.Request) {
	v, err := h.board.detail(r.Context(), r.PathValue("name"))
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	sendVersion(w, r, v.etag, v.body)
}

// sendVersion answers with a document, unless the client has it.
func sendVersion(w http.ResponseWriter, r *http.Request, etag string, body []byte) {
	w.Header().Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have left
}

// matches reports whether one of the tags of If-None-Match is etag. A proxy that has
// compressed an answer may have made its tag a weak one.
func matches(header, etag string) bool {
	return header == "*" || slices.ContainsFunc(strings.Split(header, ","), func(tag string) bool {
		return strings.TrimPrefix(strings.TrimSpace(tag), "W/") == etag
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have left
}

// asked is the body of an action.
type asked struct {
	Why      string                         `json:"why"`
	Confirm  string                         `json:"confirm"`
	Settings map[bgtransform.Setting]string `json:"settings"`
	Sample   float64                        `json:"sample"`
	Repair   bool                           `json:"repair"`
	For      string                         `json:"for"`
}

func (h *Handler) actByJSON(w http.ResponseWriter, r *http.Request) {
	o, err := orderOf(r)
	if err == nil {
		err = h.carryOut(r, o)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]string{"asked": r.PathValue("action")})
}

// orderOf reads an action's body.
func orderOf(r *http.Request) (order, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return order{}, problem{http.StatusUnsupportedMediaType, "the body must be application/json: browsers send nothing else without asking whether they may"}
	}
	var body *asked
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&body)
	if err == nil {
		if _, rest := dec.Token(); !errors.Is(rest, io.EOF) {
			err = errors.New("there is something after the object")
		}
	}
	if err == nil && body == nil {
		err = errors.New("it is null")
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return order{}, large
	}
	if err != nil {
		return order{}, problem{http.StatusBadRequest, "the body must be a JSON object: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	o := order{
		name: r.PathValue("name"), by: bgtransform.By{Why: body.Why}, confirm: body.Confirm,
		settings: body.Settings, verify: bgtransform.VerifyOptions{Sample: body.Sample, Repair: body.Repair},
	}
	o.length, err = lengthOf(body.For)
	return o, err
}

// lengthOf reads for how long to run now; none is an hour.
func lengthOf(text string) (time.Duration, error) {
	if text == "" {
		return time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, problem{http.StatusUnprocessableEntity, fmt.Sprintf("%q is not for how long; want such as 2h", text)}
	}
	return d, nil
}

func (h *Handler) streamAll(w http.ResponseWriter, r *http.Request) {
	stream(h, w, r, h.board.all)
}

func (h *Handler) streamOne(w http.ResponseWriter, r *http.Request) {
	s, err := h.board.sheet(r.Context(), r.PathValue("name"))
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	stream(h, w, r, s)
}

// stream tells of a sheet's versions until the client leaves, or the handler is closed.
func stream[T interface{ steady() any }](h *Handler, w http.ResponseWriter, r *http.Request, s *sheet[T]) {
	if r.Method == http.MethodHead { // it would last as long as a stream
		w.Header().Set("Content-Type", eventStream)
		return
	}
	leave, err := h.board.join()
	if err != nil {
		w.Header().Set("Retry-After", "10")
		h.refuse(w, r, problem{http.StatusServiceUnavailable, err.Error()})
		return
	}
	defer leave()
	changed, unwatch := s.watch()
	defer unwatch()
	line := newLine(w)
	if err := line.open(); err != nil {
		h.refuse(w, r, problem{http.StatusNotImplemented, "the app's middleware lets nothing through before the end of an answer: " + err.Error()})
		return
	}
	line.serve(r.Context(), changed, h.board.ended, func(ctx context.Context) (string, error) {
		v, err := s.get(ctx, h.board.every)
		if err != nil {
			return "", err
		}
		return v.etag, nil
	})
}
