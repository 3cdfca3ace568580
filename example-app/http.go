package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/bgtransform/sidecar/bgtransform"
)

// api is the HTTP interface of the catalogue.
type api struct {
	catalogue *catalogue
	sched     *bgtransform.Scheduler
	redis     redisServer
	ready     *readiness
	admin     http.Handler // the page for operators
	log       *slog.Logger
}

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tracks/{id}", a.answer(http.StatusOK, a.getTrack))
	mux.HandleFunc("GET /tracks", a.answer(http.StatusOK, a.listTracks))
	mux.HandleFunc("POST /tracks", a.answer(http.StatusCreated, a.postTrack))
	mux.HandleFunc("PUT /tracks/{id}", a.answer(http.StatusOK, a.putTrack))
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /livez", a.livez)
	mux.HandleFunc("GET /transforms", a.transforms)
	mux.Handle("/admin/", http.StripPrefix("/admin", a.admin))
	return mux
}

// trackJSON is a track as clients see it. Those that know only length still find
// it, although it may soon have no column of its own.
type trackJSON struct {
	ID       int64  `json:"id"`
	Title    string `json:"title"`
	Artist   string `json:"artist"`
	Length   int64  `json:"length"`    // seconds, rounded down
	LengthMS int64  `json:"length_ms"` // milliseconds
}

func present(t track) trackJSON {
	return trackJSON{ID: t.ID, Title: t.Title, Artist: t.Artist, Length: t.LengthMS / 1000, LengthMS: t.LengthMS}
}

func (a *api) getTrack(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	t, err := a.catalogue.track(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return present(t), nil
}

// listJSON is a page of tracks; next is what to give as after for the next one.
type listJSON struct {
	Tracks []trackJSON `json:"tracks"`
	Next   int64       `json:"next,omitempty"`
}

func (a *api) listTracks(r *http.Request) (any, error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	tracks, err := a.catalogue.list(r.Context(), p)
	if err != nil {
		return nil, err
	}
	out := listJSON{Tracks: make([]trackJSON, len(tracks))}
	for i := range tracks {
		out.Tracks[i] = present(tracks[i])
	}
	if int64(len(tracks)) == p.Limit {
		out.Next = tracks[len(tracks)-1].ID
	}
	return out, nil
}

func (a *api) postTrack(r *http.Request) (any, error) {
	e, err := editOf(r)
	if err != nil {
		return nil, err
	}
	if e.Title == nil || e.Artist == nil || e.LengthMS == nil {
		return nil, badRequest("a new track needs title, artist and length_ms")
	}
	t, err := a.catalogue.add(r.Context(), e)
	if err != nil {
		return nil, err
	}
	return present(t), nil
}

func (a *api) putTrack(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	e, err := editOf(r)
	if err != nil {
		return nil, err
	}
	t, err := a.catalogue.change(r.Context(), id, e)
	if err != nil {
		return nil, err
	}
	return present(t), nil
}

// transforms shows the state of the transforms, also when the database is away:
// then it says so.
func (a *api) transforms(w http.ResponseWriter, r *http.Request) {
	all, err := a.sched.Status(r.Context())
	if err != nil {
		a.log.DebugContext(r.Context(), "example-app: status", "error", err)
	}
	if why := a.ready.Err(); why != nil { // the scheduler has not been started yet, or only just
		code := bgtransform.ReasonDatabase
		if errors.Is(why, errStarting) {
			code = bgtransform.ReasonFleet
		}
		for i := range all {
			all[i].Here = bgtransform.Reason{Code: code, Text: why.Error()}
		}
	}
	a.write(r.Context(), w, http.StatusOK, all)
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, badRequest("the id of a track is a whole number from 1, not %q", r.PathValue("id"))
	}
	return id, nil
}

// answer makes a handler of fn: what it returns is written as JSON.
func (a *api) answer(status int, fn func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := any(nil), a.ready.Err()
		if err == nil { // a release that may not be here answers nobody
			body, err = fn(r)
		}
		if err != nil {
			a.fail(r.Context(), w, err)
			return
		}
		if t, ok := body.(trackJSON); ok && status == http.StatusCreated {
			w.Header().Set("Location", "/tracks/"+strconv.FormatInt(t.ID, 10))
		}
		a.write(r.Context(), w, status, body)
	}
}

// health is what /healthz says.
type health struct {
	Status   string `json:"status"` // ok or degraded
	Database string `json:"database"`
	Redis    string `json:"redis"`
}

// healthz says degraded when anything is away. Only without its database can the
// app not serve, and answers 503; without Redis just the transforms wait.
func (a *api) healthz(w http.ResponseWriter, r *http.Request) {
	h := health{Status: "ok", Database: "ok", Redis: "ok"}
	status := http.StatusOK
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	if err := a.redis.ping(ctx); err != nil {
		h.Status, h.Redis = "degraded", err.Error()
	}
	err := a.ready.Err()
	if err == nil {
		err = a.catalogue.ping(ctx)
	}
	if err != nil {
		h.Status, h.Database = "degraded", err.Error()
		status = http.StatusServiceUnavailable
	}
	a.write(r.Context(), w, status, h)
}

// livez is red when only a new process would help.
func (a *api) livez(w http.ResponseWriter, r *http.Request) {
	status, alive := http.StatusOK, "ok"
	if err := a.sched.Alive(); err != nil {
		status, alive = http.StatusServiceUnavailable, err.Error()
	}
	a.write(r.Context(), w, status, map[string]string{"status": alive})
}
