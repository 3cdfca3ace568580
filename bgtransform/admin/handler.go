package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Handler serves the page and the API. Make one with [New] or [ForControl]. It is safe
// for concurrent use.
type Handler struct {
	config

	control *bgtransform.Control
	board   *board
	views   *views
	cross   *http.CrossOriginProtection
	mux     *http.ServeMux
}

// New returns the page of an instance that runs transforms: it shows those that are
// registered, also before they have ever run, and others that are in the database. It does
// no I/O and starts nothing, and panics if the scheduler is nil.
//
// Mount it below a path that ends with a slash:
//
//	mux.Handle("/admin/", http.StripPrefix("/admin", page))
func New(sched *bgtransform.Scheduler, opts ...Option) *Handler {
	if sched == nil {
		panic("admin: the scheduler is nil")
	}
	return newHandler(source{sched: sched, control: sched.Control()}, opts)
}

// ForControl returns the page of a process that runs no transforms itself, such as an
// admin tool: it shows those in the database. It panics if the control is nil.
func ForControl(control *bgtransform.Control, opts ...Option) *Handler {
	if control == nil {
		panic("admin: the control is nil")
	}
	return newHandler(source{control: control}, opts)
}

func newHandler(src source, opts []Option) *Handler {
	h := &Handler{config: config{log: slog.New(slog.DiscardHandler), title: "transforms"}, control: src.control, cross: http.NewCrossOriginProtection()}
	for _, o := range opts {
		o.apply(&h.config)
	}
	src.gate = h.gate
	h.board = newBoard(src, h.log, every)
	h.views = newViews()
	h.mux = h.routes()
	return h
}

// Close ends the streams of those who watch, and waits for the loop that reads for them.
// It is for the end of the app, so that its server need not wait for open pages:
// server.RegisterOnShutdown(page.Close). The page still answers afterwards; it only
// does not keep itself up to date. Without viewers there is nothing to close.
func (h *Handler) Close() { h.board.close() }

func (h *Handler) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.showAll)
	mux.HandleFunc("GET /transforms/{name}", h.showOne)
	mux.HandleFunc("POST /transforms/{name}/{action}", h.actByForm)
	mux.HandleFunc("GET /static/{file}", h.views.static)

	mux.HandleFunc("GET /v1/transforms", h.sendAll)
	mux.HandleFunc("GET /v1/transforms/{name}", h.sendOne)
	mux.HandleFunc("GET /v1/events", h.streamAll)
	mux.HandleFunc("GET /v1/transforms/{name}/events", h.streamOne)
	mux.HandleFunc("POST /v1/transforms/{name}/{action}", h.actByJSON)

	mux.HandleFunc(elsewhere, h.lost)
	return mux
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.contain(w, r)
	secure(w.Header())
	if r.URL.Path == "" || r.URL.Path[0] != '/' {
		r = rooted(r)
	}
	user, err := h.admit(r)
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		err = h.mayAct(r, user)
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if toFolder(w, r) {
		return
	}
	if crooked(r.URL.EscapedPath()) {
		h.refuse(w, r, nowhere())
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	h.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
}

// maxBody is the most bytes of a request's body: a reason, and some settings.
const maxBody = 16 << 10

// contain keeps a panic from the app's server, which would only log it.
func (h *Handler) contain(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	h.log.ErrorContext(r.Context(), "bgtransform: the admin page panicked", "panic", p, "stack", string(debug.Stack()))
	http.Error(w, "something is wrong with this page; the app's log says what", http.StatusInternalServerError)
}

// every is how often what viewers see is read, at most.
const every = 2 * time.Second

type userKey struct{}

// userOf returns who has been let in.
func userOf(r *http.Request) User {
	u, _ := r.Context().Value(userKey{}).(User)
	return u
}
